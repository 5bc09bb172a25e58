"""What schemathesis must be told: a body of lines is sent as text."""

import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
