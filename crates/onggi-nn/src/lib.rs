//! Layers, initialisers, losses and optimisers on onggi-ops.
