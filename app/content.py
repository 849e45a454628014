"""Every word that the reader of the page sees, in one place.

Templates are filled with `str.format`. Nothing here is computed, and no name of a
visitor's file ever comes in.
"""

from __future__ import annotations

from app.words import benchmark as benchmark
from app.words import contact_sheet as contact_sheet
from app.words import outputs as outputs

TITLE = "PAG Explorer"
TAGLINE = (
    "A network that decides, for every pixel at every layer, whether to compute. "
    "Give it a photo, slide the budget, and watch where the compute goes."
)

# Left column
PHOTO = "Your photo"
PHOTO_PLACEHOLDER = "# Drop a photo here\nor click to choose one"
PHOTO_ALT = "The photo that is analysed"
EXAMPLES = "Or try one of these"
EXAMPLE_NAMES = {
    "street.jpg": "A street, rendered",
    "room.jpg": "A room, rendered",
    "tower.jpg": "The Eiffel Tower, lit",
    "grace_hopper.jpg": "A portrait of Grace Hopper",
    "lion.jpg": "A lion on a rock",
    "cheetah.jpg": "A running cheetah",
}
"""File of `app.examples` -> what its button is called where pictures are not seen."""
BUDGET = "Compute budget"
BUDGET_INFO = "Share of the full network's multiply-adds that may be spent. 1 is everything."
MORE = "More settings"
SIZE = "Working size"
SIZE_INFO = "Longer side in pixels at which the network sees the photo."
POLICY = "Policy"
POLICY_INFO = (
    "Exact meets the budget on every photo. "
    "Adaptive lets the gates decide, so easy photos cost less. "
    "Scaled is exact down to 70%, then shrinks the picture as well: better at low budgets."
)
POLICIES = (("Exact", "exact"), ("Adaptive", "adaptive"), ("Scaled", "scaled"))
EXECUTION = "Execution"
EXECUTION_INFO = (
    "Sparse computes active pixels only, dense computes all and masks. "
    "Auto takes the faster one for each layer."
)
EXECUTIONS = (("Auto", "auto"), ("Sparse", "sparse"), ("Dense", "dense"))
LABELS = "Label set"
LABELS_INFO = "The classes to choose among. If you know where the photo was taken, say so."
LABEL_SETS = (("Street and indoor", "all"), ("Street", "street"), ("Indoor", "indoor"))
DOWNLOAD = "Download everything (.zip)"
DOWNLOAD_STEM = "pag-explorer"

# Numbers beside the slider
REQUESTED = "Requested"
ACHIEVED = "Achieved"
COMPUTE = "Multiply-adds"
COMPUTE_VALUE = "{executed:.2f} of {dense:.2f} billion"
TIME = "Time"
TIME_VALUE = "{network} network, {total} in all"
RUN = "Run on"
RUN_VALUE = "{device}, {execution} execution, {policy} policy"
SEEN = "Photo"
SEEN_VALUE = "{width} × {height}, seen at {seen_width} × {seen_height}"
NOTHING_YET = "Choose a photo or an example to begin."
FIRST_EXAMPLE = "The first example is being analysed …"

# The four outputs
SEGMENTATION = "What is it?"
SEGMENTATION_TASK = "segmentation"
SEGMENTATION_HINT = "The class of every pixel, in colour over the photo."
SEGMENTATION_NONE = "No class covers enough of this picture to be listed."
BOUNDARY = "Where does it end?"
BOUNDARY_TASK = "boundaries"
BOUNDARY_HINT = "Strength of object boundaries. Darker lines are surer."
BOUNDARY_SCALE = ("0 no boundary", "1 boundary")
DEPTH = "How far is it?"
DEPTH_TASK = "depth"
DEPTH_HINT = "Metres along the camera's axis, if the camera is a usual one."
DEPTH_SCALE = ("{near:.1f} m", "{middle:.1f} m", "{far:.1f} m")
NORMALS = "Facing which way?"
NORMALS_TASK = "surface normals"
NORMALS_HINT = "Direction of the surface at every pixel."
NORMALS_SCALE = "The ball shows which colour faces where: pale blue faces you."
NORMALS_KEY_ALT = "A ball coloured by the direction of its surface"

SEGMENTATION_ALT = "Semantic classes as colours over the photo"
BOUNDARY_ALT = "Object boundaries as dark lines on white"
DEPTH_ALT = "Depth as colours, near is bright"
NORMALS_ALT = "Surface normals as colours"

LARGE = "See it large"
SAVE = "Save this picture"

# The sweep
SWEEP = "All budgets"
PLAY = "Play"
PAUSE = "Pause"
SAVE_SWEEP = "Save as {kind}"
SWEEP_KINDS = ("WebP", "GIF")
SWEEP_STEM = "pag-explorer-sweep"
SWEEP_CAPTION = "budget {budget:.2f}   {executed:.2f} of {dense:.2f} billion multiply-adds"

# What the page's script says; the words in braces are filled in by it.
SCRIPT = {
    "waiting": "Once a photo is analysed, the other budgets are computed behind.",
    "progress": "{ready} of {all} budgets ready. You can go on.",
    "complete": "All {all} budgets are ready: the slider answers at once.",
    "stopped": "The other budgets could not be computed. Move the slider to try again.",
    "play": PLAY,
    "pause": PAUSE,
    "preview": "Shown: {shown}, the nearest budget that is ready. {asked} is being computed.",
    "close": "Close",
    "layers": "{count} of {all} layers ran",
    "metres": "{value} m",
    "boundary": "boundary {value}",
    "place": "x {x}, y {y}",
    "facing": {
        "left": "faces left",
        "right": "faces right",
        "up": "faces up",
        "down": "faces down",
        "you": "faces you",
        "away": "faces away",
    },
    "point": "At x {x}, y {y}: {name}. MultiPool looks at this cell only.",
    "field": "At x {x}, y {y}: {name}. MultiPool looks at nine cells, {reach} pixels apart, "
    "over {span} × {span} pixels of the working size.",
    "off": "{share} switched off",
    "on": "{share} switched on",
    "budget": "budget {budget}",
}

# Reading one place
READOUT = "Point at any picture to read that place in all of them. Click to keep it."

# Tabs
PONDER_TAB = "Where the compute goes"
PONDER_HINT = (
    "Ponder cost: how many of the {gates} gated layers ran at each pixel. On average "
    "<strong>{mean:.1f}</strong> ran here. Bright places got most of the compute, dark ones "
    "little. Hover to read a place, click to see its whole story."
)
PONDER_EMPTY = "Once a photo is analysed, this shows where the network spent its compute."
PONDER_BARS_TITLES = {
    "layers": "layers that ran",
    "macs": "thousand multiply-adds at the pixel",
}
PONDER_UNIT = "Count in"
PONDER_UNITS = {"layers": "layers", "macs": "multiply-adds"}
PONDER_OPACITY = "Opacity"
PONDER_MAP_ALT = "Ponder cost of every pixel as a heatmap over the photo"
PONDER_BARS = "Share of pixels by how many layers ran there"
PONDER_COUNT = ("{count} layer", "{count} layers")
PONDER_HOVERS = {
    "layers": "<b>%{{z}} of {gates} layers</b> ran here<br>%{{customdata:.1f}} thousand "
    "multiply-adds at this pixel<extra></extra>",
    "macs": "<b>%{{z:.1f}} thousand multiply-adds</b> at this pixel<br>%{{customdata}} of {gates} "
    "layers ran here<extra></extra>",
}
PONDER_TASK = "ponder cost"

GATES_TAB = "Layer by layer"
GATES_HINT = (
    "Each gated layer in network order. <strong>Gold</strong> is where the layer ran, dark is "
    "where it was skipped and the signal passed on unchanged. Below each stand its layer name, its "
    "output stride and its active fraction. Click one to see it large."
)
GATES_SHOW = "Show"
GATES_MODES = {
    "mask": "what ran",
    "wish": "what the gate wished",
    "difference": "difference to another budget",
}
GATES_KEYS = {
    "mask": (("active", "the layer ran"), ("skipped", "skipped")),
    "wish": (("wish", "probability that the gate opens, dark 0 to bright 1"),),
    "difference": (
        ("active", "ran at both"),
        ("off", "switched off here"),
        ("on", "switched on here"),
        ("skipped", "skipped at both"),
    ),
}
GATES_AGAINST = "Compared with"
GATE_TITLE = "{name} · stride {stride}"
GATE_STRIDE = "stride {stride}"
GATE_ALT = "Where layer {name} ran, over the photo"
GATE_ACTIVE = "{active:.0%} active"
GATE_MACS = "{executed:.0f} of {dense:.0f} million multiply-adds"

POOLING_TAB = "Pooling fields"
POOLING_HINT = (
    "In MultiPool, one layer of the last stage, every pixel picks its pooling field: how far "
    "around itself it looks. Only that is computed. A larger dilation looks farther. Half of this "
    "picture uses a dilation of at most <strong>{median}</strong>."
)
POOLING_EMPTY = "Once a photo is analysed, this shows how far around itself each pixel looks."
POOLING_ALT = "The pooling field chosen at every pixel, in discrete colours over the photo"
POOLING_BARS = "Share of pixels by the pooling field that they chose"
FIELD_HINT = "Point at the map to see, to scale, what MultiPool looks at from there."
POINT_NAME = "1×1, no neighbours"
DILATION_NAME = "3×3, dilation {dilation}"

COST_TAB = "What it costs"
COST_HINT = (
    "Multiply-adds of each gated layer: the pale bar is the whole layer, the blue bar is what "
    "was really computed. Stem, MultiPool, decoder and heads have no gate; "
    "they took <strong>{ungated:.2f} billion</strong>."
)
COST_EMPTY = "Once a photo is analysed, this shows what each layer cost."
COST_ALT = "Multiply-adds of every gated layer, whole and computed, as bars"
COST_AXIS = "million multiply-adds"
COST_DENSE = "whole layer"
COST_EXECUTED = "computed"
COST_HOVER = (
    "<b>%{x}</b><br>%{y:.0f} of %{customdata[0]:.0f} million multiply-adds"
    "<br>%{customdata[1]:.0%} computed<extra></extra>"
)
SECONDS_HEAD = ("Part", "Milliseconds")
SECONDS_CAPTION = "Measured time"

PIXEL_TAB = "Pixel"
PIXEL_EMPTY = "Click anywhere in a picture: this tells the whole story of that place."
PIXEL_PLACE = "x {x}, y {y}"
PIXEL_CLASS = "Here the network sees <strong>{name}</strong>."
PIXEL_DEPTH = "It is <strong>{metres:.2f} m</strong> away along the camera's axis."
PIXEL_NORMAL = "Its surface faces <strong>{direction}</strong>, {degrees:.0f}° off."
PIXEL_DIRECTIONS = {
    "x+": "right", "x-": "left", "y+": "down", "y-": "up", "z+": "away from you", "z-": "you",
}  # fmt: skip
PIXEL_BOUNDARY = (
    (0.25, "There is <strong>no boundary</strong> here (strength {strength:.2f})."),
    (0.6, "There may be <strong>a boundary</strong> here (strength {strength:.2f})."),
    (1.1, "There is <strong>a clear boundary</strong> here (strength {strength:.2f})."),
)
"""(strength below which, sentence)."""
PIXEL_LAYERS = (
    "At budget {budget:.2f}, <strong>{count} of {all} gated layers</strong> ran here and spent "
    "<strong>{spent:.1f} of {dense:.1f} thousand multiply-adds</strong> at this pixel."
)
PIXEL_SKIPPED = "Skipped: {names}."
PIXEL_ALL_RAN = "No layer was skipped."
PIXEL_NONE_RAN = "Every layer was skipped: the signal passed on unchanged."
PIXEL_POINT = "MultiPool looked at <strong>this cell only</strong>."
PIXEL_FIELD = (
    "MultiPool looked at nine cells <strong>{reach} pixels apart</strong> at the working size "
    "(dilation {dilation})."
)
PIXEL_DIAGRAM = "Which layers ran here at which budget"
PIXEL_DIAGRAM_HINT = (
    "Rows are the gated layers by their layer names, columns the budgets that are ready. Filled: "
    "it ran here. The shaded column is the budget shown."
)
LEFT_OUT = (
    " {count} other is left out: at this working size the server cannot remember all of them.",
    " {count} others are left out: at this working size the server cannot remember all of them.",
)
PIXEL_LAYER = "Layer"
PIXEL_WISH = "Gate's wish"
PIXEL_RAN = "ran"
PIXEL_NOT = "skipped"

# Messages
PIXEL_FAILED = "This place could not be read. Click another place, or this one twice."
NO_PHOTO = (
    "The server holds no photo of this page. Choose one, or click an example. "
    "(A photo is forgotten after a while without use: then choose it again.)"
)
NO_IMAGE = "There is no image; expected an image file."
URL_REFUSED = "Images are not fetched from addresses on the web. Upload the file itself."
FILE_EXPECTED = "The image did not arrive as a file. Upload an image file."
BUDGET_MISSING = "No budget was given; expected a number from {floor:.2f} to 1."
BUDGET_NOT_NUMBER = "The budget is {seen}; expected a number from {floor:.2f} to 1."
BUDGET_OUTSIDE = (
    "The budget is {seen}; this network can be run at any budget from {floor:.2f} to 1."
)
CHOICE_UNKNOWN = "The {what} is {seen}; expected one of {expected}."
UNEXPECTED = (
    "Something went wrong inside the program, not with your photo. The last answer is still "
    "shown; please try again."
)
NOTHING_TO_DOWNLOAD = "There is nothing to download yet. Choose a photo first."

# The program's own start
DESCRIPTION = "Serve the PAG Explorer page."
NO_WEIGHTS = "The page cannot start: {reason}"
NOT_SERVED = (
    "The page cannot be served there: another program may use that port, or the host is no address "
    "of this machine. Choose others with --port and --host, or leave them out.\n"
    "Gradio says: {reason}"
)

# Foot of the page
CREDITS = """
Pixel-wise attentional gating is by Shu Kong and Charless Fowlkes,
[Pixel-wise Attentional Gating for Scene Parsing](https://arxiv.org/abs/1805.01556), WACV 2019.
Photos stay on the machine that runs this page, in memory and for a while as temporary files,
and are then deleted. The example street and room are rendered by `pag.scenes`; the example
photographs come with Gradio and matplotlib.
"""
CITATION_TITLE = "Cite the paper"
CITATION = """@inproceedings{kong2019pag,
  title     = {Pixel-wise Attentional Gating for Scene Parsing},
  author    = {Kong, Shu and Fowlkes, Charless},
  booktitle = {IEEE Winter Conference on Applications of Computer Vision (WACV)},
  year      = {2019}
}"""


def layer_count(count: int) -> str:
    """A number of layers in words: 1 layer, 2 layers."""
    return PONDER_COUNT[count != 1].format(count=count)


def left_out(count: int) -> str:
    """A sentence on budgets that are missing because no more of them can be remembered."""
    return LEFT_OUT[count != 1].format(count=count) if count else ""


def dilation_name(dilation: int) -> str:
    """What a pooling field is called in legends."""
    return POINT_NAME if dilation == 0 else DILATION_NAME.format(dilation=dilation)


def milliseconds(seconds: float) -> str:
    """A duration with the digits that matter: 84 ms, 1.24 s."""
    return f"{seconds:.2f} s" if seconds >= 1.0 else f"{seconds * 1000:.0f} ms"
