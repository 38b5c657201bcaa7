#!/bin/sh
# Stands for Java in tests: does what the file `script` beside the link to this says. A test that wrote a program of its own
# could not always run it, as another thread's child may still have it open.
. "${0%/*}/script"
