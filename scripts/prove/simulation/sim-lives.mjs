// How the simulated lives differ, as data: how long and how thick, and what happens in them while nobody does anything.

/** How long it is worked, and how soon after one another people act and faults begin, and how long these last. */
export const LONG_LIFE = {
  work: [5_000, 60_000],
  act: [20, 3_000],
  fault: [100, 12_000],
  lasts: [200, 20_000],
}
/** A handful of faults at most: most bugs need no more, and many lives find what one long one doesn't. */
export const SHORT_LIFE = {
  work: [300, 4_000],
  act: [10, 700],
  fault: [20, 2_000],
  lasts: [100, 6_000],
}

/** What happens meanwhile, and then nothing that would wake what sleeps. */
export const DISTURBANCES = [
  ({ hub }) => hub.cutAll(),
  ({ hub, process }) => {
    hub.silenceAll()
    process.wake()
  },
  ({ hub, clock }) => {
    if (!hub.isUp) return
    hub.stop()
    clock.setTimeout(() => hub.start(), 5_000)
  },
  ({ repository }) => repository.commitNatively(),
  (world) => world.recordElsewhere(),
  (world) => {
    world.meet('F05 emit')
    world.process.thread('store')?.die()
    world.recordElsewhere()
  },
  ({ people }) => void people.decide(),
]
