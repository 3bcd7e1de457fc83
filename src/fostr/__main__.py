"""`python -m fostr`, the same as `fostr`."""

import sys

from fostr.cli import main

sys.exit(main())
