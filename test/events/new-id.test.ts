import { describe, expect, it } from 'vitest'
import { ULID_PATTERN } from '#dist/contracts/event.js'
import { createNewId } from '#dist/events/new-id.js'

describe('a fresh id', () => {
  it('is greater than those before it, also where the time stands still or goes back', () => {
    const times = [5_000, 5_000, 5_001, 4_000, 5_000, 9_000]
    let at = 0
    const newId = createNewId(() => times[(at += 1) % times.length] ?? 0)
    const ids = Array.from({ length: 5_000 }, newId)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !ULID_PATTERN.test(id))).toEqual([])
  })

  it('shares nothing by chance with those of another source, however many are drawn', () => {
    let now = 0
    const draw = () => {
      now = 0
      const newId = createNewId(() => (now += 1))
      return Array.from({ length: 2_000 }, newId)
    }
    const [ours, others] = [draw(), draw()]
    // The same times; what is left is chance.
    expect(ours.filter((id) => others.includes(id))).toEqual([])
    expect(new Set(ours.map((id) => id.slice(10))).size).toBe(ours.length)
  })
})
