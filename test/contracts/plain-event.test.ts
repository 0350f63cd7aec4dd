import { describe, expect, it } from 'vitest'
import { batchedEvent } from '#dist/contracts/wire/frame-schemas.js'
import { isPlainlyFramed } from '#dist/contracts/wire/plain-event.js'
import { isDateTime, isPlainTime } from '#dist/contracts/values/timestamp.js'
import { contractEvent } from '../support/contract-event.ts'
import { fc, property } from '../support/property.ts'

const EVENT = { ...contractEvent(), aggregate_type: 'WorkPackage' }
const FIELDS = [...new Set([...Object.keys(EVENT), ...Object.keys(batchedEvent.shape)])]
const MISSING = Symbol('missing')
const ID = '01M8J9W1825291VRMXJDKHMABB'
const UUID = '0b7e6a52-6d0a-4f7e-9b0e-0d7a8b6f5c11'
const NEARLY_RIGHT: readonly unknown[] = [
  ['', ' ', ID, ID.toLowerCase(), `${ID}0`, `${ID}\n`, 'x'.repeat(256), 'x'.repeat(257)],
  [UUID, UUID.toUpperCase(), UUID.replace('-4', '-1'), 'x'.repeat(1_024), 'x'.repeat(1_025)],
  ['2026-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-01', '2026-01-01T00:00:00'],
  ['3.0.0', '3.0', 0, -0, -1, 1.5, 2 ** 53, NaN, true, null, undefined, [], {}, { a: 1 }, [1]],
].flat()
type Event = Parameters<typeof isPlainlyFramed>[0]

describe(isPlainlyFramed, () => {
  it('says so only of what the model takes', () => {
    let plain = 0
    for (const field of FIELDS.filter((name) => name !== 'type')) {
      for (const value of [...NEARLY_RIGHT, MISSING]) {
        const event: Record<string, unknown> = { ...EVENT, [field]: value }
        if (value === MISSING) delete event[field]
        if (!isPlainlyFramed(event as Event)) continue
        plain += 1
        expect(batchedEvent.safeParse(event).error, field).toBeUndefined()
      }
    }
    expect(plain).toBeGreaterThan(100)
    expect(isPlainlyFramed(EVENT as Event)).toBe(true)
  })
})

describe(isPlainTime, () => {
  const upTo = (most: number) => fc.nat(most).map((number) => String(number).padStart(2, '0'))
  property([
    fc.nat(9_999),
    fc.tuple(upTo(13), upTo(32), upTo(24), upTo(60), upTo(60)),
    fc.constantFrom('', '.5', '.123456', '.0123456789'),
    fc.constantFrom('Z', '+00:00', '+02:00', '', '\n'),
  ])('is said only of a time', (year, [month, day, hour, minute, second], fraction, zone) => {
    const date = `${String(year).padStart(4, '0')}-${month}-${day}`
    const text = `${date}T${hour}:${minute}:${second}${fraction}${zone}`
    if (!isPlainTime(text)) return
    expect(isDateTime(text)).toBe(true)
    expect(Date.parse(text)).not.toBeNaN()
  })

  it('is said of ours', () => {
    expect(isPlainTime('2026-03-04T05:06:07.000000+00:00')).toBe(true)
    expect(isPlainTime('2026-13-04T05:06:07.000000+00:00')).toBe(false)
  })

  it('is said on each day of a year but a leap day', () => {
    const day = (at: number) => new Date(Date.UTC(2024, 0, 1 + at)).toISOString()
    const days = Array.from({ length: 366 }, (_, at) => day(at))
    expect(days.filter((text) => !isPlainTime(text))).toEqual(['2024-02-29T00:00:00.000Z'])
  })
})
