"""The driver of the engine over recorded traffic: inputs to findings to outputs, as `live` is over what happens now."""
