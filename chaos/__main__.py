"""`python -m chaos [NAME …]`: try Qupel's promises, or those that are named."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    from chaos.command import main

    # Ended from outside, it ends its processes too, as after a stop from the keyboard.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
