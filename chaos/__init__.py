"""What Qupel promises, tried against the provider emulator, whose books alone decide."""
