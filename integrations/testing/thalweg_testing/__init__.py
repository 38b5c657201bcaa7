"""What the tests of all integrations share: a real server over a real engine, and servers that fail."""
