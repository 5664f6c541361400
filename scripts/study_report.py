#!/usr/bin/env python3
"""Makes of a study's results (DIR/study.json, by keel-study) an HTML page that needs no other file, and a Markdown one.

Both tell of each claim what the article says, how it was tested, what was found with 95 % intervals, and the verdict.
What study_pytorch.py found for a claim stands beside that, if DIR/pytorch.json has it.

usage: scripts/study_report.py DIR [--html FILE] [--markdown FILE] [--commit HASH]
       scripts/study_report.py DIR --publish docs/claims.md
       scripts/study_report.py --render docs/claims.md
       scripts/study_report.py --check docs/claims.md

--publish writes three files that are named alike: .md, .html, and .json with the results that they are made of.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import plotting
from run_logs import PlotError
from study import html_page, markdown_page, record
from study.record import StudyError

UNKNOWN = "unknown"


def parse_arguments(arguments: list[str]):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", nargs="?", type=Path, metavar="DIR", help="directory of a study, with study.json")
    parser.add_argument("--html", type=Path, metavar="FILE", help="default: DIR/study.html")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="default: DIR/study.md")
    parser.add_argument("--commit", metavar="HASH",
                        help="of the sources that were measured; default: what the study recorded")
    parser.add_argument("--publish", type=Path, metavar="FILE.md",
                        help="write FILE.md, FILE.html and FILE.json instead, which keeps the results")
    parser.add_argument("--render", type=Path, metavar="FILE.md", help="write FILE.md and FILE.html anew by FILE.json")
    parser.add_argument("--check", type=Path, metavar="FILE.md",
                        help="write nothing; fail if FILE.md or FILE.html is not what FILE.json gives")
    options = parser.parse_args(arguments)
    pages = [name for name in ("publish", "render", "check") if getattr(options, name)]
    if len(pages) > 1:
        parser.error(f"expected one of --publish, --render and --check, found --{' and --'.join(pages)}")
    if (options.dir is None) != bool(pages and pages[0] != "publish"):
        parser.error("expected either the directory of a study, or --render or --check")
    alone = [name for name in ("html", "markdown", "commit") if getattr(options, name)]
    if pages and (pages[0] != "publish" or alone != ["commit"]) and alone:
        parser.error(f"--{alone[0]}: not together with --{pages[0]}")
    for name in pages:
        if getattr(options, name).suffix != ".md":
            parser.error(f"--{name}: expected a file that ends in .md, found {getattr(options, name)}")
    return options


def commit_of(study, publish: bool) -> str:
    """Of the sources that were measured, as the program recorded it with each trial."""
    commits = study["commits"]
    if publish and (not commits or any(UNKNOWN in commit or "-dirty" in commit for commit in commits)):
        found = ", ".join(commits) or "none"
        raise StudyError(f"commits: expected trials of sources that are in a commit, or --commit, found {found}")
    return ", ".join(f"{commit} ({count} trials)" if len(commits) > 1 else commit
                     for commit, count in commits.items()) or UNKNOWN


def write(path: Path, text: str) -> None:
    """All at once."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StudyError(f"{path}: cannot be written: {error.strerror}") from error
    print(f"wrote {path}")


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from error


def matplotlib_version() -> str:
    plotting.require_matplotlib()
    import matplotlib

    return matplotlib.__version__


def write_pages(study: dict, html: Path, markdown: Path) -> None:
    page = html_page.document(study, matplotlib_version())
    write(html, page)
    write(markdown, markdown_page.document(study, os.path.relpath(html, markdown.parent)))


def read_published(page: Path) -> dict:
    study = record.read(page.with_suffix(".json"))
    record.require(study, {"commit": str}, str(page.with_suffix(".json")))
    return study


def check(markdown: Path) -> None:
    """Figures are compared where matplotlib is the one that drew them: another one draws them a little differently."""
    study, html = read_published(markdown), markdown.with_suffix(".html")
    page = read_text(html)
    try:
        version = matplotlib_version()
    except PlotError:
        version = None
    same = version is not None and version == html_page.version_of(page)
    made = html_page.document(study, version if same else None)
    if not same:
        print(f"{html}: figures are not compared, as matplotlib {html_page.version_of(page)} drew them, found "
              f"{version or 'none'}")
        page, made = html_page.without_plots(page), html_page.without_plots(made)
    for path, differs in ((html, page != made),
                          (markdown, read_text(markdown) != markdown_page.document(study, html.name))):
        if differs:
            raise StudyError(f"{path}: not what {markdown.with_suffix('.json')} gives; --render {markdown} writes it "
                             "anew")


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    try:
        if options.check:
            check(options.check)
        elif options.render:
            write_pages(read_published(options.render), options.render.with_suffix(".html"), options.render)
        else:
            study = record.read_with_pytorch(options.dir / "study.json")
            commit = options.commit or commit_of(study, bool(options.publish))
            matplotlib_version()  # before anything is written
            if options.publish:
                study = record.published(study, commit)
                write(options.publish.with_suffix(".json"), record.to_text(study))
                write_pages(study, options.publish.with_suffix(".html"), options.publish)
            else:
                write_pages({**study, "commit": commit}, options.html or options.dir / "study.html",
                            options.markdown or options.dir / "study.md")
    except (StudyError, PlotError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
