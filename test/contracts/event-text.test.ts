import { describe, expect, it } from 'vitest'
import { EVENT_TEXT_MAX, readEventText } from '#dist/contracts/event-text.js'
import { validateEvent } from '#dist/index.js'
import { fc, property } from '../support/property.ts'

const faults = (text: string): readonly string[] =>
  readEventText(text).violations.map(({ path, code }) => `${path.join('.')} ${code}`)

describe('the text of an event', () => {
  it.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3}]}', []],
    ['{"a":1,"b":2,"a":3}', ['a duplicate_key']],
    ['{"x":[0,{"a":1,"\\u0061":2}]}', ['x.1.a duplicate_key']],
    ['{"a":"\\"a\\":1,","b":"{[}]"}', []],
    ['{"n":9007199254740993}', ['n int_unsafe']],
    ['[1,[-9007199254740992,9007199254740991]]', ['1.0 int_unsafe']],
    ['{"n":1e400}', ['n not_finite']],
    ['{"n":1e300,"m":0.1,"k":12345678901234567890.5}', []],
    ['{"n":NaN}', [' not_finite']],
    ['[-Infinity]', [' not_finite']],
    ['{"n":1', [' not_json']],
    ['', [' not_json']],
    ['  true ', []],
  ])('%s has %j', (text, expected) => expect(faults(text)).toEqual(expected))

  it('is bounded, and costs no stack', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const read = readEventText(deep)
    expect(read).toMatchObject({ ok: true, violations: [] })
    expect(validateEvent(read.ok ? read.value : null).violations[0]?.code).toBe('too_deep')
    expect(faults(`"${'x'.repeat(EVENT_TEXT_MAX)}"`)).toEqual([' too_large'])
    expect(faults(`"${'\\u0041'.repeat(300_000)}"`)).toEqual([])
    const twice = `{${'"a":1,'.repeat(50_000)}"a":1}`
    expect(readEventText(twice).violations).toHaveLength(1_000)
  })

  it('does not show what it could not read', () => {
    expect(JSON.stringify(readEventText('{"token": secret'))).not.toContain('secret')
  })

  property([fc.jsonValue()])('that JSON was written from has no fault of its own', (value) => {
    const text = JSON.stringify(value)
    const isExact = !/\d{16}/.test(text)
    if (isExact)
      expect(readEventText(text)).toEqual({ ok: true, value: JSON.parse(text), violations: [] })
  })

  property([fc.string()])('may be any', (text) => {
    expect(typeof readEventText(text).ok).toBe('boolean')
  })
})
