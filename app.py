"""Serve PAG Explorer: `python app.py`, then open the address that it prints."""

import argparse
import sys

from app import content
from app.look import launch_options
from app.ui import build_app
from pag import PAGError, Predictor, find_model, model_names


def main() -> None:
    """Command line; exits with 2 if there is no network to show."""
    parser = argparse.ArgumentParser(description=content.DESCRIPTION)
    known = ", ".join(model_names())
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--model", metavar="NAME", help=f"which of the models: {known}")
    model.add_argument("--checkpoint", help="a model's own folder")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--host", help="address to serve on; default: this machine only")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument("--share", action="store_true", help="make a public link for 72 hours")
    options = parser.parse_args()
    try:
        chosen = find_model(options.model) if options.model else options.checkpoint
        predictor = Predictor.from_checkpoint(chosen, device=options.device)
    except PAGError as error:
        print(content.NO_WEIGHTS.format(reason=error), file=sys.stderr)
        raise SystemExit(2) from error
    build_app(predictor).launch(
        server_name=options.host, server_port=options.port, share=options.share, **launch_options()
    )


if __name__ == "__main__":
    main()
