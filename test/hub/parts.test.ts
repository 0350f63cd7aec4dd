import * as fc from 'fast-check'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { Awareness } from '#dist/hub/links/awareness.js'
import { bodyOf, EVENT_TRANSPORT_KEYS, objectsIn, withoutMembers } from '#dist/hub/body.js'
import { Following } from '#dist/hub/links/following.js'
import { RATE_KEYS_MAX, REQUESTS_BURST, TICKETS_MAX } from '#dist/hub/limits.js'
import { Logins } from '#dist/hub/access/login.js'
import { Outflow } from '#dist/hub/links/outflow.js'
import { RateLimiter } from '#dist/hub/access/rate.js'
import { HubStore } from '#dist/hub/data/store.js'
import { Tickets } from '#dist/hub/access/tickets.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { newEvent, temporaryFolder } from './support.ts'

const SESSION = { team: 'acme', user: 'sam', login: 'tok_1', secret: 'ff', endsAt: null }

describe(withoutMembers, () => {
  const keys = fc.oneof(fc.constantFrom('type', 'x'), fc.string({ unit: 'grapheme' }))

  it('removes the named members and keeps the rest to the letter', () => {
    const text = ' {"type":"e" , "a" : [1.0, {"type":2}] ,"b":"}\\",\\\\"} '
    expect(withoutMembers(text, new Set(['type']))).toBe(
      '{"a" : [1.0, {"type":2}],"b":"}\\",\\\\"}',
    )
    expect(withoutMembers('{}', new Set(['type']))).toBe('{}')
    expect(withoutMembers('{"type":1}', new Set(['type']))).toBe('{}')
  })

  it('equals taking the keys off the parsed object, for any object and spacing', () => {
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue()), fc.nat(3), (object, space) => {
        const text = JSON.stringify(object, null, space)
        const { type: _type, ...rest } = JSON.parse(text) as Record<string, unknown>
        const body = withoutMembers(text, new Set(['type']))
        expect(JSON.parse(body ?? '')).toEqual(rest)
      }),
      { numRuns: 1_000 },
    )
  })

  it('refuses a key that is there twice, however it is written', () => {
    expect(withoutMembers('{"a":1,"a":1}', new Set())).toBeNull()
    expect(withoutMembers('{"a":1,"\\u0061":1}', new Set(['a']))).toBeNull()
    expect(withoutMembers('{"a":{"b":1},"b":1}', new Set())).toBe('{"a":{"b":1},"b":1}')
  })
})

describe(bodyOf, () => {
  const keys = fc.oneof(
    fc.constantFrom(...EVENT_TRANSPORT_KEYS, 'x'),
    fc.string({ unit: 'grapheme' }),
  )
  const bodiesIn = (text: string) => {
    const { events } = JSON.parse(text) as { readonly events: readonly JsonObject[] }
    return objectsIn(text, 'events')?.map((listed, at) => bodyOf(listed, events[at] ?? {}))
  }

  it('is the text of each event of a list without its transport keys, to the letter', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(keys, fc.jsonValue()), { maxLength: 3 }),
        fc.nat(2),
        (events, space) => {
          const text = JSON.stringify({ a: '],"', events, z: [{}] }, null, space)
          const { events: written } = JSON.parse(text) as { readonly events: unknown }
          const bodies = bodiesIn(text)
          const texts = objectsIn(text, 'events')?.map((listed) => listed.text) ?? []
          expect(texts.map((one) => JSON.parse(one) as unknown)).toEqual(written)
          expect(bodies).toEqual(texts.map((one) => withoutMembers(one, EVENT_TRANSPORT_KEYS)))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('keeps how numbers and texts are written', () => {
    const event = String.raw`{"a":1.0,"b":"\u00e9\"}","a2":{"x" : [1, 2]}}`
    expect(bodiesIn(`{"events" : [ ${event} , {"type":1,"b":1E2} ]}`)).toEqual([event, '{"b":1E2}'])
  })

  it('is none where a top-level key is there twice, however it is written', () => {
    expect(bodiesIn('{"events":[{"a":1,"a":1},{"a":{"b":1},"b":1}]}')).toEqual([
      null,
      '{"a":{"b":1},"b":1}',
    ])
    expect(bodiesIn(String.raw`{"events":[{"a":1,"\u0061":1}]}`)).toEqual([null])
  })

  it.each(['[1,"]",[{}]]', '{"a":[1]}', '5', '"x"', '[]'])(
    'is none where the list is there twice, first as %s',
    (first) => {
      expect(objectsIn(`{"events":${first},"events":[{}]}`, 'events')).toBeNull()
    },
  )
})

describe(RateLimiter, () => {
  it('lets a burst through, then what grows back, each key for itself', () => {
    let now = 0
    const limiter = new RateLimiter(3, 2, () => now)
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false])
    expect(limiter.take('b')).toBe(true)
    now = 500
    expect([limiter.take('a'), limiter.take('a')]).toEqual([true, false])
    now = 1_000_000
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false])
  })

  it('remembers a bounded number of keys and forgets the quiet ones first', () => {
    const limiter = new RateLimiter(1, 0, () => 0)
    limiter.take('quiet')
    limiter.take('busy')
    for (let i = 0; i < RATE_KEYS_MAX - 1; i++) {
      limiter.take(`k${i}`)
      limiter.take('busy')
    }
    expect(limiter.take('busy')).toBe(false)
    expect(limiter.take('quiet')).toBe(true)
  })
})

describe(Logins, () => {
  it('counts the requests of each token, whatever they ask for (S22)', () => {
    const dataDir = temporaryFolder()
    const [busy, quiet] = ['sam', 'kim'].map((user) => createToken({ dataDir, team: 'acme', user }))
    const store = new HubStore(dataDir)
    onTestFinished(() => store.close())
    const logins = new Logins(store, new Tickets(), { tokenOf: () => null })
    const ask = (token: string | undefined) =>
      logins.ofRequest({
        headers: { authorization: `Bearer ${token}` },
        socket: {},
      } as IncomingMessage).refusal?.status
    const answers = Array.from({ length: REQUESTS_BURST * 2 }, () => ask(busy))
    expect(answers.slice(0, REQUESTS_BURST).every((status) => status === undefined)).toBe(true)
    expect(answers).toContain(429)
    expect(ask(quiet)).toBeUndefined()
  })
})

describe(Awareness, () => {
  it('takes nothing of a connection that ended while its frame waited for the store', () => {
    const dataDir = temporaryFolder()
    const store = new HubStore(dataDir)
    const awareness = new Awareness(store, () => {})
    onTestFinished(() => {
      awareness.close()
      store.close()
    })
    const { event_id, project_uuid } = newEvent()
    const ids = { team: 'acme', event_id, project_uuid, node_id: 'n', lamport_clock: 1 }
    store.insert([{ kind: 'event', ...ids, body: '{"a":1}' }])
    const closed = { readyState: 3, OPEN: 1, bufferedAmount: 0, send: () => {} } as const
    const newWatcher = () => {
      const outflow = new Outflow(closed, new PassThrough(), { tooSlow: () => {} })
      return { session: SESSION, following: new Following(store, outflow) }
    }
    const [gone, watcher] = [newWatcher(), newWatcher()]
    const presence = { type: 'presence', project_uuid, focus: { mission: 'login' } } as const
    awareness.leave(gone)
    expect(awareness.take(gone, presence)).toEqual({ frames: [] })
    const ask = (): string =>
      JSON.stringify(awareness.take(watcher, { type: 'subscribe', project_uuid }))
    expect(ask()).not.toContain('login')
    awareness.take(watcher, presence)
    expect(ask()).toContain('login')
  })
})

describe(Tickets, () => {
  it('are good once, for a minute', () => {
    let now = 0
    const tickets = new Tickets(() => now)
    const [used, late, inTime] = [1, 2, 3].map(() => tickets.issue(SESSION))
    expect(tickets.redeem(used ?? '')).toEqual(SESSION)
    expect(tickets.redeem(used ?? '')).toBeNull()
    now = 59_999
    expect(tickets.redeem(inTime ?? '')).toEqual(SESSION)
    now = 60_000
    expect(tickets.redeem(late ?? '')).toBeNull()
  })

  it('give way to newer ones when there are too many', () => {
    const tickets = new Tickets(() => 0)
    const [first, second] = [tickets.issue(SESSION), tickets.issue(SESSION)]
    for (let i = 0; i < TICKETS_MAX - 1; i++) tickets.issue(SESSION)
    expect(tickets.redeem(first)).toBeNull()
    expect(tickets.redeem(second)).toEqual(SESSION)
  })
})
