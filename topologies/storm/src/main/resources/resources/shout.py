"""Words in capitals, which takes its time; storm.py comes with Flux."""

import time

import storm

SECONDS = 0.02


class Shout(storm.BasicBolt):
    def process(self, tup):
        word, number = tup.values
        time.sleep(SECONDS)
        storm.emit([word.upper(), number])


Shout().run()
