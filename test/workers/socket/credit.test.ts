import { describe, expect, it } from 'vitest'
import { CREDIT_MAX, CREDIT_MIN, CREDIT_START, Credit } from '#dist/workers/socket/credit.js'

describe('the credit of a link', () => {
  it('doubles while all of it is used up quickly, up to its most', () => {
    const credit = new Credit()
    expect(credit.events).toBe(CREDIT_START)
    for (let round = 0; round < 9; round += 1) credit.note(credit.events, 100, true)
    expect(credit.events).toBe(CREDIT_MAX)
  })

  it('stays where little was asked of it, or it took its time', () => {
    const credit = new Credit()
    credit.note(3, 1, true)
    credit.note(CREDIT_START, 1_000, true)
    expect(credit.events).toBe(CREDIT_START)
  })

  it.each([
    ['was slow', 2_001, true],
    ['left some unanswered', 1, false],
  ])('halves where the hub %s, down to its least', (_name, tookMs, isWhole) => {
    const credit = new Credit()
    credit.note(CREDIT_START, tookMs, isWhole)
    expect(credit.events).toBe(CREDIT_START / 2)
    for (let round = 0; round < 9; round += 1) credit.note(1, tookMs, isWhole)
    expect(credit.events).toBe(CREDIT_MIN)
  })
})
