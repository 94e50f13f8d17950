"""Methods: the science of the audits, arrays in and arrays out, each function naming its paper."""
