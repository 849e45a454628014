"""Words of single features, beside `app.content`: what the reader of the page sees of each."""
