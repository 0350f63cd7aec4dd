/** The emitter before a store that does what the test says: what real ones do too seldom. */
import { describe, expect, it, vi } from 'vitest'
import { createEmitter, UNSETTLED_MAX } from '#dist/emitter.js'
import { RuntimeError, StoreError } from '#dist/errors.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { createListeners } from '#dist/actors/listeners.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { initProject } from '#dist/project/init.js'
import { RuntimeWorld } from './support/runtime-world.ts'

type Parts = Parameters<typeof createEmitter>[0]
type Append = {
  readonly type: string
  readonly events?: readonly string[]
  readonly identity?: object
}
type Stored = { readonly payload: { note: number | string }; readonly project_uuid: string | null }

async function emitterBefore(
  world: RuntimeWorld,
  store: (command: Append) => Promise<object>,
  identity: Parts['identity'] = null,
) {
  let ids = 0
  let recorded = 0
  const parts = {
    repository: await locateRepository(world.root),
    state: world.state,
    nodeId: () => '0123456789ab',
    system: { store: { ask: store, close: () => undefined }, identify: () => undefined },
    sanitizer: createSanitizer(NO_IDENTITY),
    listeners: createListeners(),
    clock: { now: () => 0, setTimeout: () => null, clearTimeout: () => undefined },
    newId: () => String((ids += 1)).padStart(26, '0'),
    identity,
    onEmitted: () => {
      recorded += 1
    },
  }
  const emitter = createEmitter(parts as unknown as Parts)
  const note = (value: number | string) =>
    emitter.emit({ event_type: 'NoteTaken', payload: { note: value } })
  const emit: typeof emitter.emit = (draft) => emitter.emit(draft)
  return { emit, note, recorded: () => recorded }
}

function noteOf(text: string): number | string {
  return (JSON.parse(text) as Stored).payload.note
}

/** A store that keeps what it takes, in order, and answers as the real one. */
function keeper(refuse: (notes: readonly (number | string)[], command: Append) => Error | null) {
  const kept: (number | string)[] = []
  const sizes: number[] = []
  const ask = async (command: Append): Promise<object> => {
    if (command.type === 'store.identify') return { type: 'store.identified', adopted: 0 }
    const notes = (command.events ?? []).map(noteOf)
    const error = refuse(notes, command)
    if (error !== null) throw error
    sizes.push(notes.length)
    const receipts = notes.map((value) => ({ event_id: value, lamport_clock: kept.push(value) }))
    return { type: 'store.appended', receipts, live: false, undelivered: 0, capacity: 10 }
  }
  return { ask, kept, sizes }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

describe('the emitter', () => {
  it('finds the one event that the store refuses; the rest keeps its order and its clock', async () => {
    const bad = new StoreError('EVENT_MALFORMED', 'no event')
    const { ask, kept } = keeper((notes) => (notes.includes(3) ? bad : null))
    const { note } = await emitterBefore(new RuntimeWorld(), ask)
    const outcomes = await Promise.allSettled(range(6).map((index) => note(index)))
    expect(
      outcomes.map((one) =>
        one.status === 'fulfilled' ? one.value.lamport_clock : (one.reason as Error),
      ),
    ).toEqual([1, 2, 3, bad, 4, 5])
    expect(kept).toEqual([0, 1, 2, 4, 5])
  })

  it('refuses what the contracts refuse before the store is asked; what came with it is stored', async () => {
    const { ask, kept } = keeper(() => null)
    const { emit, note } = await emitterBefore(new RuntimeWorld(), ask)
    const wrong = emit({ event_type: 'HistoryAdded', payload: { wp_id: 'WP01' } })
    const outcomes = await Promise.allSettled([note(1), wrong, note(2)])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'EVENT_INVALID' } })
    expect(kept).toEqual([1, 2])
  })

  it('refuses a draft that is none any more once it is sanitized', async () => {
    const { ask, kept } = keeper(() => null)
    const { emit } = await emitterBefore(new RuntimeWorld(), ask)
    const draftOf = (aggregate_id: string) => ({
      event_type: 'NoteTaken',
      aggregate_id,
      payload: { note: 1 },
    })
    // As long as an aggregate may be; what stands for an address is longer than this one.
    const addressed = 'a@b.io'.padStart(512, '- ')
    await expect(emit(draftOf(addressed))).rejects.toMatchObject({ code: 'DRAFT_INVALID' })
    await emit(draftOf(addressed.replace('@', '-')))
    expect(kept).toEqual([1])
  })

  it.each([
    new StoreError('OUTBOX_FULL', 'full', { retryable: true }),
    new RuntimeError('WORKER_FAILED', 'gone'),
  ])('asks for no event alone where the store says $code', async (refusal) => {
    let asked = 0
    const { ask } = keeper(() => {
      asked += 1
      return refusal
    })
    const { note, recorded } = await emitterBefore(new RuntimeWorld(), ask)
    const outcomes = await Promise.allSettled(range(6).map((index) => note(index)))
    expect(outcomes.map((one) => one.status === 'rejected' && (one.reason as unknown))).toEqual(
      range(6).map(() => refusal),
    )
    expect([asked, recorded()]).toEqual([1, 0])
  })

  it('stamps anew what was stamped before `init` and written after it', async () => {
    const world = new RuntimeWorld()
    const foreign = new StoreError('EVENT_FOREIGN_PROJECT', 'not mine')
    let minted: Promise<unknown> | null = null
    const seen: (string | null)[] = []
    const { ask, kept } = keeper((_, { events = [] }) => {
      const [first] = events.map((text) => (JSON.parse(text) as Stored).project_uuid)
      seen.push(first ?? null)
      return first === null ? foreign : null
    })
    const { note } = await emitterBefore(world, async (command) => {
      // Between the look at the identity and the write.
      minted ??= initProject(world.root)
      await minted
      return ask(command)
    })
    const receipts = await Promise.all(range(3).map((index) => note(index)))
    expect(receipts.map(({ route }) => route)).toEqual(['queued', 'queued', 'queued'])
    expect([kept, seen.length]).toEqual([range(3), 2])
  })

  it('does not try for ever where store and project disagree', async () => {
    let asked = 0
    const { ask } = keeper(() => {
      asked += 1
      return new StoreError('EVENT_FOREIGN_PROJECT', 'not mine')
    })
    const { note } = await emitterBefore(new RuntimeWorld(), ask)
    await expect(note(0)).rejects.toMatchObject({ code: 'EVENT_FOREIGN_PROJECT' })
    expect(asked).toBe(2)
  })

  it('hands over some batches before the first is answered, and no more than eight (L2, L8)', async () => {
    const world = new RuntimeWorld()
    const { identity } = await initProject(world.root)
    const answers: (() => void)[] = []
    const { ask, kept } = keeper(() => null)
    const emitter = await emitterBefore(
      world,
      async (command) => {
        const answer = await ask(command)
        await new Promise<void>((resolve) => answers.push(resolve))
        return answer
      },
      identity,
    )
    const notes = range(4_000)
    const receipts = Promise.all(notes.map((index) => emitter.note(index)))
    await vi.waitFor(() => expect(answers).toHaveLength(8))
    expect(kept).toEqual(notes.slice(0, kept.length))
    // Whichever is answered first: the next is the next in order.
    for (let count = 8; kept.length < notes.length; count += 1) {
      answers.splice(3, 1)[0]?.()
      await vi.waitFor(() => expect(answers).toHaveLength(8))
      expect(count).toBeLessThan(100)
    }
    for (const answer of answers) answer()
    expect((await receipts).map(({ lamport_clock }) => lamport_clock)).toEqual(
      range(4_001).slice(1),
    )
    expect(kept).toEqual(notes)
  })

  it('hands over a batch behind the one that came before it, however long that takes', async () => {
    const world = new RuntimeWorld()
    const { identity } = await initProject(world.root)
    const mission = await world.createMission('slow')
    const { ask, kept, sizes } = keeper(() => null)
    const { emit, note } = await emitterBefore(world, ask, identity)
    // The first has to be looked up, and both batches are full within one turn.
    const first = emit({ event_type: 'NoteTaken', mission, payload: { note: 0 } })
    await Promise.all([first, ...range(255).map((index) => note(index + 1))])
    expect([kept, sizes]).toEqual([range(256), [128, 128]])
  })

  it('sends a few megabytes at a time, in order (L8)', async () => {
    const { ask, kept, sizes } = keeper(() => null)
    const { note } = await emitterBefore(new RuntimeWorld(), ask)
    // Eight of a million characters fit into eight mebibytes.
    const texts = range(20).map((index) => String(index).padEnd(1_040_000, 'x '))
    await Promise.all(texts.map((text) => note(text)))
    expect(kept).toEqual(texts)
    expect(sizes).toEqual([8, 8, 4])
  })

  it('refuses more than may wait, and takes events again once it has answered (L8)', async () => {
    let answer: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      answer = resolve
    })
    const { ask } = keeper(() => null)
    const { note } = await emitterBefore(new RuntimeWorld(), async (command) => {
      await gate
      return ask(command)
    })
    const waiting = range(UNSETTLED_MAX).map((index) => note(index))
    await expect(note(-1)).rejects.toMatchObject({ code: 'BUSY' })
    answer()
    await Promise.all(waiting)
    expect((await note(-2)).lamport_clock).toBe(UNSETTLED_MAX + 1)
  })
})
