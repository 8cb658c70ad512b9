"""The operators' page: what is there now, and every boot as a picture. Pure: values in, values for the templates out."""
