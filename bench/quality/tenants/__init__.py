"""Services of many kinds behind one proxy, each with habits and troubles of its own."""
