"""Serve PAG Explorer: `python app.py`, then open the address that it prints."""

import argparse
import os
import sys
from functools import partial

from app import content, tools
from app.analyser import Analyser
from app.look import launch_options
from app.models import model_option
from app.one_thread import predictor_class
from app.ui import build_app
from app.words import api
from app.words.latency import MEASURE
from app.zerogpu import on_borrowed_gpu
from pag import PAGError, add_model_options, chosen_checkpoint, learn, other_models


def main() -> None:
    """Command line; exits with 2 if there is no network to show, or no port to use."""
    parser = argparse.ArgumentParser(description=content.DESCRIPTION)
    add_model_options(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--host", help="address to serve on; default: this machine only")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument("--share", action="store_true", help="make a public link for 72 hours")
    # A Space has variables, but no arguments.
    for name, explained in (("measure", MEASURE), ("mcp", api.MCP)):
        asked = os.environ.get(f"PAG_{name.upper()}") == "1"
        parser.add_argument(f"--{name}", action="store_true", default=asked, help=explained)
    options = parser.parse_args()
    if options.mcp and not tools.installed():
        parser.error(api.NO_MCP.format(pin=api.MCP_PIN))
    predictors = predictor_class()
    try:
        chosen = chosen_checkpoint(options)
        predictor = predictors.from_checkpoint(chosen, device=options.device)
    except PAGError as error:
        print(content.NO_WEIGHTS.format(reason=error), file=sys.stderr)
        raise SystemExit(2) from error

    def load(name: str) -> Analyser:
        return on_borrowed_gpu(predictors.from_checkpoint(name, device=options.device))

    # Those that can be set beside it are loaded when somebody asks.
    others = {name: partial(load, name) for name in other_models(chosen)}
    analyser = on_borrowed_gpu(predictor)
    # A GPU that is lent for one pass is not this machine's.
    wanted = options.measure and predictor.latency is None and analyser is predictor
    option = model_option(options.model, options.checkpoint)
    blocks = build_app(analyser, others, partial(learn, predictor) if wanted else None, option)
    if options.mcp:
        tools.sweep_copies(blocks)
    try:
        blocks.launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share,
            mcp_server=options.mcp,
            **launch_options(),
        )
    except OSError as error:
        print(content.NOT_SERVED.format(reason=error), file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
