"""The messages of Loki's push API, as protobuf classes made when this is imported.

From `pkg/push/push.proto` of grafana/loki: field names and numbers only. Text is declared as bytes, which are the
same on the wire: a line need not be UTF-8, and is not refused for it.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES = {
    "PushRequest": (("streams", 1, ".vedette.loki.Stream", True),),
    "Stream": (("labels", 1, None, False), ("entries", 2, ".vedette.loki.Entry", True)),
    "Entry": (
        ("timestamp", 1, ".vedette.loki.Timestamp", False),
        ("line", 2, None, False),
        ("structuredMetadata", 3, ".vedette.loki.LabelPair", True),
    ),
    "LabelPair": (("name", 1, None, False), ("value", 2, None, False)),
    "Timestamp": (("seconds", 1, int, False), ("nanos", 2, int, False)),
}


def _make() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="vedette/loki.proto", package="vedette.loki", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            added = message.field.add(
                name=field,
                number=number,
                label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
            )
            if isinstance(kind, str):
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, kind
            else:
                added.type = _FIELD.TYPE_INT64 if kind is int else _FIELD.TYPE_BYTES
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("vedette.loki.PushRequest"))


PushRequest = _make()
