"""Names of objectives and augmentations, free of torch for ``--help``."""

OBJECTIVES = ("relativistic", "bce", "least-squares", "hinge", "wasserstein")
AUGMENTATIONS = ("color", "translation", "cutout")
