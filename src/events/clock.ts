/**
 * The laws of a Lamport clock. The store ticks its own in the transaction of an append; this one is for programs that keep
 * theirs elsewhere, and for what hears of events of other nodes.
 */
import {
  checkedOptions,
  hasFunctions,
  type OptionChecks,
  readOr,
} from '../contracts/values/arguments.ts'
import { isJsonObject } from '../contracts/json/json.ts'
import { isText } from '../contracts/values/scalars.ts'
import { InputError, StoreError } from '../errors.ts'

/** How far ahead of ours another clock may be: further is a fault of that node, which must not use up ours. */
export const CLOCK_DRIFT_MAX = 1_000_000

/** Where a clock is kept. `save` has happened when it returns; what it throws leaves the clock as it was. */
export type ClockStorage = {
  /** 0 where nothing was ever saved. */
  readonly load: () => number
  readonly save: (value: number) => void
}

export type ClockOptions = {
  /** Ticks that another clock may be ahead; `CLOCK_DRIFT_MAX` by default. */
  readonly driftMax?: number
}

const CHECKS: OptionChecks<ClockOptions> = {
  driftMax: (value) => typeof value === 'number' && value >= 0,
}

/** One node's clock: every value that it gives is greater than all that it gave or heard of before. */
export class Clock {
  readonly nodeId: string
  readonly #storage: ClockStorage
  readonly #driftMax: number
  #value: number

  /** @throws StoreError CLOCK_UNREADABLE; InputError CLOCK_INVALID, OPTIONS_INVALID */
  constructor(nodeId: string, storage: ClockStorage, options: ClockOptions = {}) {
    const { driftMax = CLOCK_DRIFT_MAX } = checkedOptions(options, CHECKS)
    if (!isText(nodeId) || !hasFunctions(storage, ['load', 'save'])) {
      throw new InputError(
        'CLOCK_INVALID',
        'a clock takes the id of its node, and where it is kept',
        {
          hint: 'For example `new Clock(nodeId, memoryClockStorage())`.',
        },
      )
    }
    this.nodeId = nodeId
    this.#storage = storage
    this.#driftMax = driftMax
    this.#value = storage.load()
    if (isTick(this.#value)) return
    throw new StoreError('CLOCK_UNREADABLE', 'what was saved is no value of a clock', {
      hint: 'Restore the clock, or begin with the highest value of its node plus one.',
    })
  }

  get current(): number {
    return this.#value
  }

  /** The time of something that happens here. @throws StoreError CLOCK_EXHAUSTED */
  tick(): number {
    return this.#advance(this.#value + 1)
  }

  /** Hears of another clock; nothing happens here. @throws InputError CLOCK_VALUE, CLOCK_DRIFT */
  witness(remote: number): void {
    const heard = this.#checked(remote)
    if (heard > this.#value) this.#advance(heard)
  }

  /** The time at which something of another node arrives here: after both clocks. @throws as `witness` and `tick` */
  receive(remote: number): number {
    return this.#advance(Math.max(this.#value, this.#checked(remote)) + 1)
  }

  /** The event as it happens here in answer to one that was received. @throws as `receive`; InputError CLOCK_EVENT */
  receiveAndStamp<Stamped extends { readonly lamport_clock: number }>(
    received: { readonly lamport_clock: number },
    stamped: Stamped,
  ): Stamped & { readonly node_id: string } {
    const remote = readOr(() => received.lamport_clock, Number.NaN)
    const event = readOr(() => (isJsonObject(stamped) ? { ...stamped } : null), null)
    if (event === null) throw new InputError('CLOCK_EVENT', 'an event to stamp is expected')
    const lamport_clock = this.receive(remote)
    return { ...event, lamport_clock, node_id: this.nodeId }
  }

  // Saved first: a value that was given and then forgotten would be given twice.
  #advance(value: number): number {
    if (!isTick(value)) {
      throw new StoreError('CLOCK_EXHAUSTED', 'the clock is beyond what JSON can carry exactly', {
        hint: 'Give the node another id; its new clock begins at 0.',
      })
    }
    this.#storage.save(value)
    this.#value = value
    return value
  }

  #checked(remote: number): number {
    if (!isTick(remote)) {
      throw new InputError('CLOCK_VALUE', 'a clock is a whole number from 0 to 2^53 − 1')
    }
    if (remote - this.#value <= this.#driftMax) return remote
    throw new InputError(
      'CLOCK_DRIFT',
      `a clock that is ${remote - this.#value} ticks ahead is out of order; at most ${this.#driftMax} are`,
      { hint: 'Look at the node that sent it; its event is not taken.' },
    )
  }
}

/** Kept by the process alone; a clock refuses what is no value of one. */
export function memoryClockStorage(value = 0): ClockStorage {
  let saved = value
  return {
    load: () => saved,
    save: (next) => {
      saved = next
    },
  }
}

function isTick(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
