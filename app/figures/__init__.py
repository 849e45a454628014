"""Pictures of an `Inference`: pure functions that know neither Gradio nor any global state."""
