import { describe, expect, it } from 'vitest'
import { isIsoDate } from '#dist/contracts/values/iso-date.js'
import {
  compareInstants,
  DATE_TIME_PATTERN,
  isDateTime,
  isoFormat,
  jsonFormat,
  parseTimestamp,
  type Timestamp,
} from '#dist/contracts/values/timestamp.js'
import { fc, property } from '../support/property.ts'

const read = (text: string): Timestamp => {
  const time = parseTimestamp(text)
  expect(time, text).not.toBeNull()
  return time as Timestamp
}

describe('a time', () => {
  it.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05+00:00', '2026-01-02T03:04:05Z'],
    ['2026-01-02t03:04:05.1z', '2026-01-02T03:04:05.100000+00:00', '2026-01-02T03:04:05.100000Z'],
    ['2026-01-02 03:04', '2026-01-02T03:04:00', '2026-01-02T03:04:00'],
    ['2026-01-02_03:04:05,000001+0230', '2026-01-02T03:04:05.000001+02:30', null],
    ['2026-01-02T03:04:05.123456789-00:30', '2026-01-02T03:04:05.123456-00:30', null],
    ['2026-01-02', '2026-01-02T00:00:00', '2026-01-02T00:00:00'],
    ['1700000000', '2023-11-14T22:13:20+00:00', '2023-11-14T22:13:20Z'],
    ['1700000000000', '2023-11-14T22:13:20+00:00', '2023-11-14T22:13:20Z'],
    ['253402300799999', '9999-12-31T23:59:59.999000+00:00', '9999-12-31T23:59:59.999000Z'],
    ['-20000000001', '1969-05-14T12:26:39.999000+00:00', '1969-05-14T12:26:39.999000Z'],
    ['-1.5', '1969-12-31T23:59:58.500000+00:00', '1969-12-31T23:59:58.500000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00+00:00', '0001-01-01T00:00:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00', '2024-02-29T00:00:00'],
  ])('%s is read, and its text is kept', (text, iso, json) => {
    const time = read(text)
    expect(time.text).toBe(text)
    expect(isoFormat(time)).toBe(iso)
    expect(jsonFormat(time)).toBe(json ?? iso)
    expect(text).toMatch(new RegExp(DATE_TIME_PATTERN))
  })

  it.each([
    '',
    ' 2026-01-02',
    '2026-01-02T',
    '20260102T030405Z',
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-13-01',
    '2026-00-01',
    '2026-01-00',
    '0000-01-01',
    '2026-01-02T24:00:00Z',
    '2026-01-02T03:60:00Z',
    '2026-01-02T03:04:60Z',
    '2026-01-02T03:04:05.Z',
    '2026-01-02T03:04:05+24:00',
    '2026-01-02T03:04:05+01:60',
    '2026-01-02T03:04:05+01',
    '2026-01-02T03:04:05 Z',
    '2026-01-02\n',
    '253402300800000',
    '-62135596800001000',
    '1e9',
    'now',
  ])('%j is none', (text) => expect(isDateTime(text)).toBe(false))

  it('compares by instants, whatever the offsets, to the microsecond', () => {
    const [a, b] = [read('2026-01-02T03:04:05.000001+02:00'), read('2026-01-02T01:04:05Z')]
    expect(compareInstants(a, b)).toBe(1)
    expect(compareInstants(read('2026-01-02'), read('2026-01-02T00:00:00Z'))).toBe(0)
  })

  property([
    fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
    fc.integer({ min: 0, max: 999_999 }),
    fc.integer({ min: -1439, max: 1439 }),
  ])('is the instant that the platform finds', (date, micros, offset) => {
    const clock = date.toISOString().slice(0, 19)
    const size = Math.abs(offset)
    const hours = String(Math.floor(size / 60)).padStart(2, '0')
    const zone = `${offset < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`
    const time = read(`${clock}.${String(micros).padStart(6, '0')}${zone}`)
    expect(time.seconds * 1_000).toBe(Date.parse(`${clock}Z`) - offset * 60_000)
    expect(time).toMatchObject({ micros, offsetMinutes: offset })
  })

  property([fc.string()])('is never read from what the published pattern refuses', (text) => {
    if (isDateTime(text)) expect(text).toMatch(new RegExp(DATE_TIME_PATTERN))
  })
})

describe('a date of the retrospectives', () => {
  it.each([
    '2026-01-02',
    '20260102',
    '2026-W01',
    '2026-W01-5',
    '2026W015',
    '2026W01',
    '2020-W53-7',
    '2026-01-02T03',
    '2026-01-02x03:04',
    '2026-01-02T030405',
    '2026-01-02T03:04:05.1234567Z',
    '2026-01-02T03:04:05,5+05:30:10',
    '2026-01-02T03:04+0530',
    '2026-W53',
  ])('may be %s', (text) => expect(isIsoDate(text)).toBe(true))

  it.each([
    '',
    'soon',
    '2026-1-2',
    '2026-01',
    '2026-0102',
    '2026-02-30',
    '2026-W54',
    '2025-W53',
    '2026-W01-8',
    '0000-01-01',
    '2026-01-02T',
    '2026-01-02T24:00',
    '2026-01-02T03:0405',
    '2026-01-02T03:04:60',
    '2026-01-02T03:04:05z',
    '2026-01-02T03:04:05+25:00',
  ])('is not %j', (text) => expect(isIsoDate(text)).toBe(false))
})
