/** The log of what went wrong: found again, settled, and let go of. */
import { describe, expect, it } from 'vitest'
import { ErrorLog } from '#dist/contracts/error-log.js'

const errorOf = (id: string, timestamp: string, more = {}) => ({
  id,
  timestamp,
  action_attempted: 'move WP01',
  error_message: 'the lane is closed',
  ...more,
})
const idsOf = (log: ErrorLog, query = {}) => log.search(query).map(({ id }) => id)
const codeOf = (code: string) => expect.objectContaining({ code })

describe('the error log', () => {
  it('gives the newest first, by the time of the error', () => {
    const log = new ErrorLog()
    log.log(errorOf('b', '2026-06-01T09:00:00+02:00'))
    log.log(errorOf('c', '2026-06-01T08:00:00Z'))
    log.log(errorOf('a', '2026-06-01T06:59:59.999999Z'))
    expect(idsOf(log)).toEqual(['c', 'b', 'a'])
    expect(idsOf(log, { limit: 1 })).toEqual(['c'])
    expect(log.search()[0]).toMatchObject({ resolution: '', agent: 'unknown' })
  })

  it('finds by words, agent, time and whether it is settled', () => {
    const log = new ErrorLog()
    log.log(errorOf('a', '2026-06-01T07:00:00Z', { agent: 'tern' }))
    log.log(errorOf('b', '2026-06-01T08:00:00Z', { error_message: 'Timed out' }))
    log.log(errorOf('c', '2026-06-01T09:00:00Z', { agent: 'tern' }))
    log.resolve('c', 'reopened it')
    expect(idsOf(log, { text: 'timed OUT' })).toEqual(['b'])
    expect(idsOf(log, { text: 'reopened' })).toEqual(['c'])
    expect(idsOf(log, { agent: 'tern' })).toEqual(['c', 'a'])
    expect(idsOf(log, { isResolved: false })).toEqual(['b', 'a'])
    expect(idsOf(log, { since: '2026-06-01T08:00:00Z', until: '2026-06-01T08:00:00Z' })).toEqual([
      'b',
    ])
  })

  it('keeps one entry for each id, and the resolution that was last given', () => {
    const log = new ErrorLog()
    log.log(errorOf('a', '2026-06-01T07:00:00Z'))
    log.log(errorOf('a', '2026-06-01T08:00:00Z'))
    expect(log.size).toBe(1)
    expect(log.resolve('a', 'done')).toMatchObject({ id: 'a', resolution: 'done' })
    expect(() => log.resolve('z', 'done')).toThrow(codeOf('ERROR_ENTRY_UNKNOWN'))
    expect(() => log.resolve('a', ' ')).toThrow(codeOf('RESOLUTION_EMPTY'))
  })

  it('is bounded by number and by age', () => {
    const log = new ErrorLog({ entriesMax: 2, ageMaxMs: 3_600_000 })
    for (const [at, id] of ['a', 'b', 'c'].entries())
      log.log(errorOf(id, `2026-06-01T07:0${at}:00Z`))
    expect(idsOf(log)).toEqual(['c', 'b'])
    log.log(errorOf('d', '2026-06-01T08:01:30Z'))
    expect(idsOf(log)).toEqual(['d', 'c'])
    log.log(errorOf('e', '2026-06-01T06:00:00Z'))
    expect(idsOf(log)).toEqual(['d', 'c'])
    expect(() => new ErrorLog({ entriesMax: 0 })).toThrow(codeOf('RETENTION_INVALID'))
  })

  it('refuses what is no error, and a limit that is none', () => {
    const log = new ErrorLog()
    expect(() => log.log(errorOf('a', 'yesterday'))).toThrow(codeOf('ERROR_ENTRY_INVALID'))
    expect(() => log.log(errorOf('', '2026-06-01T07:00:00Z'))).toThrow(
      codeOf('ERROR_ENTRY_INVALID'),
    )
    expect(() => log.search({ limit: 0 })).toThrow(codeOf('LIMIT_INVALID'))
    // Would else be the beginning of time: all errors, or none.
    expect(() => log.search({ since: 'yesterday' })).toThrow(codeOf('OPTIONS_INVALID'))
    expect(() => log.search({ until: '' })).toThrow(codeOf('OPTIONS_INVALID'))
  })
})
