"""How the page looks, and how it is served: what `launch()` is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradio.themes import Base, colors, sizes
from gradio.themes.utils.fonts import LocalFont

from app import front
from app.palette import css_variables

ROOMS = (
    *("page", "views", "sweep", "tabs", "panels", "narrow"),
    *("aside", "outputs", "takeaway"),
)
STYLES = [Path(front.__file__).with_name(f"{name}.css") for name in ROOMS]
"""In the order in which they are joined: of two rules that weigh the same the later one holds."""
UPLOAD_LIMIT = "64mb"
VISITORS = 48  # sessions kept in memory at once; the least recently used goes first


def theme() -> Base:
    """Calm greys, one blue, a typeface that comes with Gradio: nothing is fetched elsewhere."""
    # Of the weights that Gradio ships of this typeface only 400 and 700 have all letters.
    plain_and_bold = (400, 700)
    return Base(
        primary_hue=colors.blue,
        secondary_hue=colors.blue,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_md,
        font=(LocalFont("IBM Plex Sans", plain_and_bold), "system-ui", "sans-serif"),
        font_mono=(LocalFont("IBM Plex Mono", plain_and_bold), "monospace"),
    ).set(
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_shadow="none",
        block_label_text_weight="600",
        block_title_text_weight="600",
        slider_color="*primary_600",
    )


def launch_options() -> dict[str, Any]:
    """Keyword arguments for `Blocks.launch` that every way of serving the page needs.

    No run history: it would keep visitors' photos in their browsers. No allowed paths: only
    Gradio's own cache is served.
    """
    return {
        "theme": theme(),
        "css": css_variables(),
        "css_paths": STYLES,
        "head": front.script(),
        "run_history": False,
        "max_file_size": UPLOAD_LIMIT,
        "state_session_capacity": VISITORS,
        "footer_links": ["api"],
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
    }
