"""Outside the instance: volumes, their exports over iSCSI, and what each instance may know of them."""
