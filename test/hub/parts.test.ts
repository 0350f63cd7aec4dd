import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutMembers } from '#dist/hub/body.js'
import { RATE_KEYS_MAX, TICKETS_MAX } from '#dist/hub/limits.js'
import { RateLimiter } from '#dist/hub/rate.js'
import { Tickets } from '#dist/hub/tickets.js'

const SESSION = { team: 'acme', user: 'sam', login: 'ff' }

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
