"""Words of single rooms of the page; `app.content` has them as `content.ROOM`."""
