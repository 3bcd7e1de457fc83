"""`python -m tools.lint`: print what breaks a rule, and fail if anything does."""

import sys

from tools.lint import RULES
from tools.lint.rule import Finding, check
from tools.lint.source import ROOT, list_sources


def main() -> int:
    findings: list[Finding] = [found for source in list_sources(ROOT) for found in check(source, rules=RULES)]
    for found in findings:
        print(found)
    reasons = {rule.name: rule.reason for rule in RULES}
    for name in sorted({found.rule for found in findings} & reasons.keys()):
        print(f"  {name}: {reasons[name]}")
    print(f"{len(findings)} findings by {len(RULES)} rules" if findings else f"{len(RULES)} rules kept")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
