import { describe, expect, it } from 'vitest'
import type { HubReply } from '#dist/project/login/hub-request.js'
import { cutPoint } from '#dist/workers/socket/cut-point.js'
import { runPass } from '#dist/workers/socket/batch-pass.js'
import type { Passed } from '#dist/workers/socket/batch-pass.js'
import { BatchSize } from '#dist/workers/socket/batch-size.js'
import { INGRESS_LIMITS, readIngressLimits } from '#dist/workers/socket/greeting.js'
import type { IngressLimits } from '#dist/workers/socket/greeting.js'
import type { OutgoingItem } from '#dist/workers/socket/outgoing.js'
import { fc, property } from '../../support/property.ts'
import { eventItem, idsOf, packageItem, range } from './scripted-hub.ts'

type Answer = { readonly status: number; readonly body?: unknown; readonly retryAfterMs?: number }

type Hub = (ids: readonly string[], bytes: number) => Answer

const items = range(100).map((index) => eventItem(index))
const ids = items.map((item) => item.id)
const stored = (some: readonly string[], status = 'success'): Answer => ({
  status: 200,
  body: { results: some.map((event_id) => ({ event_id, status })) },
})

type Options = {
  readonly count?: number
  readonly limits?: IngressLimits
  readonly of?: readonly OutgoingItem[]
}

async function pass(
  hub: Hub,
  { count = 100, limits = INGRESS_LIMITS, of = items.slice(0, count) }: Options = {},
): Promise<Passed & { readonly requests: (readonly string[])[] }> {
  const requests: (readonly string[])[] = []
  const passed = await runPass(of, {
    post: async (body): Promise<HubReply> => {
      const sent = idsOf(JSON.parse(body) as never)
      requests.push(sent)
      const { status, body: said = null, retryAfterMs = null } = hub(sent, body.length)
      return { kind: 'reply', status, body: said as never, retryAfterMs }
    },
    compose: (item) => item.frame,
    limits,
    size: new BatchSize(limits),
    goesOn: () => true,
  })
  return { ...passed, requests }
}

describe('a pass', () => {
  it('sends all that fits, in order, and takes the word on each event', async () => {
    const passed = await pass((sent) => stored(sent))
    expect(passed.requests).toEqual([ids])
    expect(passed).toMatchObject({ accepted: ids, rejected: [], oversized: [], refusal: null })
  })

  it('keeps within the bytes that the hub takes, with room to spare, and within its events', async () => {
    const bytesMax = 10_000
    const sizes: number[] = []
    const said = { max_decompressed_bytes_per_batch: bytesMax, max_events_per_batch: 60 }
    const { requests, accepted } = await pass(
      (sent, bytes) => {
        sizes.push(bytes)
        return stored(sent)
      },
      { limits: readIngressLimits(said) },
    )
    expect(Math.max(...sizes)).toBeLessThanOrEqual(bytesMax * 0.9)
    expect(Math.max(...requests.map((sent) => sent.length))).toBeLessThanOrEqual(60)
    expect(accepted).toEqual(ids)
  })

  it.each([
    ['success', 'accepted'],
    ['accepted', 'accepted'],
    ['warning', 'accepted'],
    ['duplicate', 'accepted'],
    ['pending', 'kept'],
    ['queued', 'kept'],
    ['rejected', 'rejected'],
    ['stored', 'kept'],
    ['', 'kept'],
  ])('takes the status %j for %s', async (status, meaning) => {
    const { accepted, rejected } = await pass((sent) => stored(sent, status), { count: 1 })
    expect([accepted.length, rejected.length]).toEqual([
      Number(meaning === 'accepted'),
      Number(meaning === 'rejected'),
    ])
  })

  it('keeps the hub to events that it names once and that were sent, and shows its reason', async () => {
    const results = [
      { event_id: ids[0], status: 'success' },
      { event_id: ids[0], status: 'rejected' },
      { event_id: ids[50], status: 'success' },
      { event_id: 7, status: 'success' },
      null,
      { event_id: ids[1], status: 'rejected', error: 'no\u001b[31m lane', category: 'schema' },
      { event_id: ids[2], status: 'rejected', error_category: 'project_refused' },
      { event_id: ids[3], status: 'rejected', retryable: false },
      { event_id: ids[4], status: 'rejected', retryable: true },
    ]
    const { accepted, rejected, requests } = await pass(
      () => ({ status: 200, body: { results } }),
      {
        count: 6,
      },
    )
    expect(accepted).toEqual([])
    expect(rejected).toEqual([
      { id: ids[1], reason: 'schema: no?[31m lane', isFinal: false },
      { id: ids[2], reason: 'project_refused', isFinal: true },
      { id: ids[3], reason: 'rejected', isFinal: true },
    ])
    expect(requests).toHaveLength(1)
  })

  it('halves a batch that is too large and lets it grow again after progress', async () => {
    let asked = 0
    const { accepted, requests } = await pass((sent) => {
      asked += 1
      return sent.length > (asked > 14 ? 100 : 7) ? { status: 413 } : stored(sent)
    })
    const sizes = requests.map((sent) => sent.length)
    expect(sizes.slice(0, 6)).toEqual([100, 50, 25, 12, 6, 6])
    expect(Math.max(...sizes.slice(14))).toBeGreaterThan(7)
    expect(accepted).toEqual(ids)
  })

  it('names the one event that is too large even alone', async () => {
    const big = ids[9] ?? ''
    const { accepted, oversized } = await pass((sent) =>
      sent.includes(big) ? { status: 400, body: { error: 'Event too large' } } : stored(sent),
    )
    expect(oversized).toEqual([big])
    expect(accepted).toEqual(ids.filter((id) => id !== big))
  })

  it('sends the rest at once where the hub names the culprits, in either spelling', async () => {
    const details = [{ event_id: ids[3], detail: 'bad lane' }]
    const answers: Answer[] = [
      { status: 400, body: { error: 'no', details: JSON.stringify(details) } },
      { status: 400, body: { error: 'no', details: [{ event_id: ids[4], reason: 'r' }, 'x'] } },
    ]
    const { accepted, rejected, requests } = await pass((sent) => answers.shift() ?? stored(sent))
    expect(rejected).toEqual([
      { id: ids[3], reason: 'bad lane', isFinal: false },
      { id: ids[4], reason: 'r', isFinal: false },
    ])
    expect(requests.map((sent) => sent.length)).toEqual([100, 99, 98])
    expect(accepted).toEqual(ids.filter((id) => id !== ids[3] && id !== ids[4]))
  })

  it('finds a poison event by halves, in order, and leaves its neighbours alone', async () => {
    const poison = [ids[40] ?? '', ids[41] ?? '', ids[99] ?? '']
    const { accepted, rejected, requests } = await pass((sent) =>
      sent.some((id) => poison.includes(id))
        ? { status: 400, body: { error: 'no' } }
        : stored(sent),
    )
    expect(rejected).toEqual(poison.map((id) => ({ id, reason: 'no', isFinal: false })))
    expect(accepted).toEqual(ids.filter((id) => !poison.includes(id)))
    expect(requests.length).toBeLessThan(40)
  })

  it('halves beside what made a work package and its moves, not between them', async () => {
    const of = [
      ...items.slice(0, 4),
      packageItem(4, 'WPCreated', 'WP01'),
      packageItem(5, 'WPStatusChanged', 'WP02'),
      packageItem(6, 'WPStatusChanged', 'WP01'),
      ...items.slice(7, 10),
    ]
    const poison = of[9]?.id ?? ''
    const { requests, rejected } = await pass(
      (sent) => (sent.includes(poison) ? { status: 400, body: { error: 'no' } } : stored(sent)),
      { of },
    )
    const sent = ids.slice(0, 10)
    expect(requests.slice(0, 5)).toEqual([
      sent,
      sent.slice(0, 4),
      sent.slice(4),
      sent.slice(4, 7),
      sent.slice(7),
    ])
    expect(rejected.map(({ id }) => id)).toEqual([poison])
  })

  it('blames no event where the hub takes none at all', async () => {
    const { rejected, requests, refusal } = await pass(() => ({ status: 400 }))
    expect(rejected).toEqual([])
    expect(refusal?.error.code).toBe('HUB_PROTOCOL')
    expect(requests.length).toBeLessThan(40)
  })

  it.each([
    [401, 'unauthenticated', 'NOT_AUTHENTICATED'],
    [403, 'refused', 'HUB_FORBIDDEN'],
    [404, 'refused', 'HUB_PROTOCOL'],
    [307, 'refused', 'HUB_REDIRECT'],
    [408, 'transient', 'HUB_UNREACHABLE'],
    [412, 'refused', 'PROTOCOL_MISMATCH'],
    [429, 'transient', 'HUB_BUSY'],
    [500, 'transient', 'HUB_UNREACHABLE'],
    [503, 'transient', 'HUB_BUSY'],
    [200, 'transient', 'HUB_PROTOCOL'],
    [204, 'transient', 'HUB_PROTOCOL'],
  ])('ends at %i, which is no word about any event', async (status, closeClass, code) => {
    const results = [{ event_id: ids[60], status: 'rejected' }]
    const body = status === 200 ? { ok: true } : { results }
    let requests = 0
    const first = 40
    const limits = readIngressLimits({ max_events_per_batch: first })
    const passed = await pass((sent) => (requests++ === 0 ? stored(sent) : { status, body }), {
      limits,
    })
    expect(passed.accepted).toEqual(ids.slice(0, first))
    expect(passed.rejected).toEqual([])
    expect([requests, passed.refusal?.class, passed.refusal?.error.code]).toEqual([
      2,
      closeClass,
      code,
    ])
  })

  it('waits as the hub asks, within the bounds that the hub itself gave', async () => {
    const said = { retry_after_min_seconds: 2, retry_after_max_seconds: 30 }
    const limits = readIngressLimits(said)
    const ask = async (retryAfterMs: number) =>
      (await pass(() => ({ status: 429, retryAfterMs }), { limits })).refusal?.retryAfterMs
    expect([await ask(0), await ask(5_000), await ask(900_000)]).toEqual([2_000, 5_000, 30_000])
  })

  it("repeats the hub's guidance on another protocol, bounded and printable", async () => {
    const upgrade_guidance = `Upgrade\u001b[2J ${'x'.repeat(5_000)}`
    const { refusal } = await pass(() => ({
      status: 412,
      body: { error_code: 'client-too-old', sync_protocol: { upgrade_guidance } },
    }))
    expect(refusal?.error.hint).toMatch(/^The hub says: Upgrade\?\[2J x+$/)
    expect(refusal?.error.hint?.length).toBeLessThan(300)
  })

  it('stops where no event gets a word, instead of asking for ever', async () => {
    const { accepted, rejected, requests } = await pass((sent) => stored(sent, 'pending'), {
      limits: readIngressLimits({ max_events_per_batch: 10 }),
    })
    expect([accepted, rejected, requests.length]).toEqual([[], [], 1])
  })
})

describe('the place where a poison batch is cut', () => {
  const kind = fc.constantFrom('WPCreated', 'WPStatusChanged', 'NoteTaken')
  const steps = fc.array(fc.tuple(kind, fc.constantFrom('WP01', 'WP02', 'WP03')), {
    minLength: 2,
    maxLength: 24,
  })

  property([steps])('is beside every package wherever there is such a place', (list) => {
    const of = list.map(([type, wpId], index) => packageItem(index, type, wpId))
    const parts = (cut: number): number => {
      const torn = ['WP01', 'WP02', 'WP03'].filter((wpId) => {
        const made = list.findIndex(([type, of]) => type === 'WPCreated' && of === wpId)
        const moved = list.findLastIndex(([type, of]) => type === 'WPStatusChanged' && of === wpId)
        return made !== -1 && made < cut && cut <= moved
      })
      return torn.length
    }
    const cut = cutPoint(of)
    expect(cut).toBeGreaterThan(0)
    expect(cut).toBeLessThan(of.length)
    const isPossible = range(of.length - 1).some((index) => parts(index + 1) === 0)
    expect(parts(cut) === 0).toBe(isPossible)
  })
})

describe('what a hub advertises', () => {
  it.each([null, [], 'x', { max_events_per_batch: 'many' }, { max_events_per_batch: -1 }])(
    'counts for nothing where it is %j',
    (said) => {
      expect(readIngressLimits(said)).toEqual(INGRESS_LIMITS)
    },
  )

  it('never goes beyond our own bounds', () => {
    const most = 1e12
    expect(
      readIngressLimits({
        max_events_per_batch: most,
        max_decompressed_bytes_per_batch: most,
        retry_after_min_seconds: most,
        retry_after_max_seconds: most,
      }),
    ).toEqual({
      eventsMax: 1_000,
      bytesMax: 524_288,
      retryAfterMinMs: 900_000,
      retryAfterMaxMs: 900_000,
    })
  })
})

const word = fc.constantFrom('success', 'duplicate', 'rejected', 'pending', 'stored', null, 7)
const named = fc.oneof(fc.constantFrom(...ids.slice(0, 20)), fc.constantFrom('nobody', null))
const result = fc.record({ event_id: named, status: word }, { requiredKeys: [] })
const body = fc.oneof(
  fc.record({ results: fc.array(fc.oneof(result, fc.anything()), { maxLength: 30 }) }),
  fc.record({ details: fc.oneof(fc.array(result), fc.json()), error: fc.anything() }),
  fc.constant(null),
  fc.dictionary(fc.string(), fc.jsonValue()),
)
const answer = fc.record({
  status: fc.constantFrom(200, 200, 200, 400, 400, 413, 207, 301, 401, 412, 429, 500),
  body,
})

property([fc.array(answer, { minLength: 1, maxLength: 30 })])(
  'whatever a hub answers, only its plain word on an event that was sent ends that event',
  async (answers) => {
    const said = new Set<string>()
    const refusable = new Set<string>()
    let step = 0
    const { accepted, rejected, oversized, requests } = await pass(
      (sent) => {
        const one = answers[step++ % answers.length] ?? { status: 500, body: null }
        const text = JSON.stringify(one.body) ?? ''
        for (const id of sent) {
          if (one.status === 200 && text.includes(id)) said.add(id)
          if (one.status !== 401) refusable.add(id)
        }
        return one
      },
      { count: 20 },
    )
    const all = [...accepted, ...rejected.map(({ id }) => id), ...oversized]
    expect(new Set(all).size).toBe(all.length)
    expect(accepted.every((id) => said.has(id))).toBe(true)
    expect(all.every((id) => refusable.has(id))).toBe(true)
    expect(requests.length).toBeLessThanOrEqual(256)
  },
)
