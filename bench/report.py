"""The tables of bench/compare_pytorch.py."""


def duration(seconds):
    if seconds is None:
        return "-"
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            break
    return f"{seconds / size:.3g} {unit}" if seconds / size < 1000 else f"{seconds / size:.0f} {unit}"


def table(results):
    """A row for each piece of work."""
    lines = ["| work | threads | Keel | PyTorch | ratio | of the rounds | PyTorch's way |", "|---|---|---|---|---|---|---|"]
    for result in results.values():
        if result.error:
            reasons = "; ".join(f"{framework}: {error}" for framework, error in result.error.items())
            lines.append(f"| {result.name} | {result.threads} | | | not measured | {reasons} | |")
            continue
        ratios = result.ratios()
        lines.append(f"| {result.name} | {result.threads} | {duration(result.median('keel'))} | "
                     f"{duration(result.median('pytorch'))} | {result.ratio():.2f} | "
                     f"{min(ratios):.2f} to {max(ratios):.2f} | {result.variant} |")
    return "\n".join(lines) + "\n"
