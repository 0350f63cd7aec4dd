import { describe, expect, it } from 'vitest'
import { envelope, isPlainlySound } from '#dist/contracts/envelope.js'
import { contractEvent } from '../support/contract-event.ts'
import { fc, property } from '../support/property.ts'

let sound = 0
const EVENT = contractEvent()
const FIELDS = [...Object.keys(EVENT), ...Object.keys(envelope.shape)]
const ID = '01M8J9W1825291VRMXJDKHMABB'
const UUID = '0b7e6a52-6d0a-4f7e-9b0e-0d7a8b6f5c11'
const NEARLY_RIGHT: readonly unknown[] = [
  ['', ' ', ID, ID.toLowerCase(), `8${ID.slice(1)}`, `Z${ID.slice(1)}`, `${ID}0`, `${ID}\n`],
  [
    UUID,
    UUID.toUpperCase(),
    `{${UUID}}`,
    `urn:uuid:${UUID}`,
    UUID.replaceAll('-', ''),
    `${UUID}\n`,
  ],
  ['2026-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-01', '1764300000', '24:00'],
  ['3.0.0', '3.0', '3.0.0\n', 0, -0, -1, 1.5, 4, 5, 2 ** 53, NaN, Infinity, true, null, undefined],
  [[], {}, { a: 1 }, [1], new Date(0), Object.create(null), new Map()],
].flat()

describe('an envelope that is told to be sound without its model', () => {
  property(
    [
      fc.dictionary(
        fc.constantFrom(...FIELDS),
        fc.oneof(fc.constantFrom(...NEARLY_RIGHT), fc.anything()),
        { maxKeys: 3 },
      ),
      fc.subarray(FIELDS, { maxLength: 2 }),
    ],
    { numRuns: 3_000 },
  )('is one that the model takes', (changes, missing) => {
    const value: Record<string, unknown> = { ...EVENT, ...changes }
    for (const field of missing) delete value[field]
    if (!isPlainlySound(value)) return
    sound += 1
    expect(envelope.safeParse(value).error).toBeUndefined()
  })

  it('is any of ours, and many others', () => {
    expect(sound).toBeGreaterThan(300)
    expect(isPlainlySound(EVENT)).toBe(true)
    expect(isPlainlySound({ ...EVENT, payload: 'x' })).toBe(false)
  })
})
