"""Sites of many kinds behind one proxy, each with habits that are odd and right."""
