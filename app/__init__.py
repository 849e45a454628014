"""PAG Explorer's page: it shows what `pag` computes, and knows no tensor."""
