"""The second factor: an authenticator app, and recovery codes for the day it is lost."""
