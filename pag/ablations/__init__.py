"""What each part of the training is worth: ``python -m pag.ablations``.

Networks that differ in one thing each are trained for the same few steps, from the same state,
on the same batches, and scored on the same validation images.

What is fair. The starting state should be one that never closed a gate, so that no way of
training gates has a lead; its running mean is taken. Three parts of it are left out in *every*
run, and start from the same random numbers instead:

- the block that hosts MultiPool (for ResNet-50 ``res5_2``), whole: its kernel was trained under
  many dilations at once, its 1x1s and BatchNorms around that, and its chooser has no counterpart
  in a network of one dilation. So MultiPool and the single dilations begin with the same fresh
  kernel of the same shape;
- all gates, and the layers' levels: nothing should be left of the masks that a state may have
  been trained with;
- the optimiser's moments, which belong to the state's parameters and not to these.

What remains is a trunk, a decoder and heads that have lived with a MultiPool among them. If that
helps anyone it helps MultiPool, though little: its block's output is new to them all. A network
of one dilation still pays for the chooser that it does not need, which costs it 0.3% of the
multiply-adds; its budgets are shares of its own full cost.

What a short schedule can show. The rates are those of the long one, with warm-up, ramp and decay
squeezed in proportion, and a longer share of decay, without which the last batches' noise would
hide most differences. Large effects on what is learned first can show: where to compute, how
much of the full output is kept at lower budgets. Finer ones, and rare classes, cannot. It is
hardest on MultiPool, which has to find a kernel and a choice at once while Gumbel noise still
decides most pixels; so the share of each dilation chosen is written down, too. If it is better
here, that counts; if it is not, a longer run of ``reference`` and ``dilation_*`` has to tell.

Batches, order and initialisation are shared, but training is chaotic: the variant ``other_seed``
is the reference again with other random numbers, and a difference that is not clearly larger
than that one says nothing.
"""
