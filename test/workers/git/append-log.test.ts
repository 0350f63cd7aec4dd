import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs'
import { linkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ulid } from 'ulid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeDecisionRecord } from '#dist/contracts/ledgers/decision-record.js'
import { appendLines, repairLog } from '#dist/workers/git/logs/append-log.js'
import { parseDecisionLines } from '#dist/workers/git/logs/decision-lines.js'
import { DurableFs } from '#dist/workers/git/disk/durable-fs.js'
import { LOG_BYTES_MAX, readLog } from '#dist/workers/git/logs/log-file.js'
import { anyText } from '../../support/any-text.ts'
import { answeredRecord, requestedRecord } from '../../support/ledger-repository.ts'
import { fc, property } from '../../support/property.ts'

type LogPlace = Parameters<typeof appendLines>[0]

let worktree: string
let place: LogPlace
/** How often a side file was told. */
let tornTold: number

beforeEach(() => {
  worktree = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-log-')))
  place = placeIn(worktree)
  tornTold = 0
})

afterEach(() => rmSync(worktree, { recursive: true, force: true }))

function placeIn(folder: string, onStep: LogPlace['onStep'] = () => undefined): LogPlace {
  const commonDir = join(folder, '.git')
  const path = join(folder, 'kitty-specs/m/decisions.events.jsonl')
  mkdirSync(join(commonDir, 'kittiwake'), { recursive: true })
  const fs = new DurableFs(commonDir, onStep)
  const onTorn = (): void => void (tornTold += 1)
  return { worktree: folder, path, mission: 'm', fs, onStep, onTorn }
}

const seed = (bytes: string | Buffer): void => {
  mkdirSync(dirname(place.path), { recursive: true })
  writeFileSync(place.path, bytes)
}
const tornFiles = (folder = worktree): string[] => {
  const directory = join(folder, '.git/kittiwake/torn/m')
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .sort()
    .map((name) => readFileSync(join(directory, name), 'latin1'))
}
const text = (): string => readFileSync(place.path, 'latin1')

describe('appending a line', () => {
  it('makes the log and its folders, and is durable when it returns (L1)', async () => {
    const steps: string[] = []
    place = placeIn(worktree, (step, path) => steps.push(`${step} ${path.slice(worktree.length)}`))
    await appendLines(place, ['{"a":1}'])
    expect(text()).toBe('{"a":1}\n')
    const log = '/kitty-specs/m/decisions.events.jsonl'
    const written = steps.slice(steps.indexOf(`append ${log}`))
    expect(written).toEqual([`append ${log}`, `fsync ${log}`, 'fsync /kitty-specs/m'])
    expect(steps).toContain('fsync ')
  })

  it.each([
    ['a half line', '{"a":1}\n', '{"b":'],
    ['a run of NUL', '{"a":1}\n', '\0\0\0\0'],
    ['half a character', '{"a":1}\n', '{"b":"\u00c3'],
    ['half of the first line', '', '{"a"'],
  ])('moves %s into a side file first', async (_, whole, torn) => {
    seed(Buffer.from(`${whole}${torn}`, 'latin1'))
    await appendLines(place, ['{"c":3}'])
    expect(text()).toBe(`${whole}{"c":3}\n`)
    expect(tornFiles()).toEqual([torn])
  })

  it('gives a whole record the line end that it lacks, and cuts nothing', async () => {
    seed('{"a":1}\n{"b":2}')
    await appendLines(place, ['{"c":3}'])
    expect(text()).toBe('{"a":1}\n{"b":2}\n{"c":3}\n')
    expect(tornFiles()).toEqual([])
    expect(tornTold).toBe(0)
  })

  it('finds the end of a torn tail that is longer than one read', async () => {
    const torn = `{"b":"${'x'.repeat(200_000)}`
    seed(`{"a":1}\n${torn}`)
    await appendLines(place, ['{"c":3}'])
    expect(text()).toBe('{"a":1}\n{"c":3}\n')
    expect(tornFiles()).toEqual([torn])
  })

  it('keeps every side file', async () => {
    for (const torn of ['{"x', '{"y', '{"z']) {
      seed(`{"a":1}\n${torn}`)
      await repairLog(place)
    }
    expect(tornFiles()).toEqual(['{"x', '{"y', '{"z'])
    expect(tornTold).toBe(3)
  })

  it('saves the torn tail before it cuts it (L9)', async () => {
    const seen: string[][] = []
    place = placeIn(worktree, (step) => {
      if (step === 'truncate') seen.push(tornFiles())
    })
    seed('{"a":1}\n{"b')
    await repairLog(place)
    expect(seen).toEqual([['{"b']])
  })

  it('is as it was when the disk refuses to make it durable', async () => {
    seed('{"a":1}\n')
    let isRefusing = true
    place = placeIn(worktree, (step, path) => {
      if (step !== 'fsync' || path !== place.path || !isRefusing) return
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    })
    await expect(appendLines(place, ['{"b":2}'])).rejects.toMatchObject({
      code: 'LEDGER_WRITE_FAILED',
      message: expect.stringContaining('ENOSPC') as string,
    })
    expect(text()).toBe('{"a":1}\n')
    isRefusing = false
    await appendLines(place, ['{"b":2}'])
    expect(text()).toBe('{"a":1}\n{"b":2}\n')
  })

  it('refuses what is not a regular file in real folders (S03)', async () => {
    mkdirSync(place.path, { recursive: true })
    await expect(appendLines(place, ['{}'])).rejects.toMatchObject({ code: 'LEDGER_PATH_UNSAFE' })
    rmSync(join(worktree, 'kitty-specs'), { recursive: true })
    mkdirSync(join(worktree, 'elsewhere/m'), { recursive: true })
    symlinkSync('elsewhere', join(worktree, 'kitty-specs'))
    await expect(appendLines(place, ['{}'])).rejects.toMatchObject({ code: 'LEDGER_PATH_UNSAFE' })
    await expect(readLog(place)).rejects.toMatchObject({ code: 'LEDGER_PATH_UNSAFE' })
    const outside = { ...place, path: join(worktree, '../outside/x') }
    await expect(appendLines(outside, ['{}'])).rejects.toMatchObject({ code: 'LEDGER_PATH_UNSAFE' })
    expect(readdirSync(join(worktree, 'elsewhere/m'))).toEqual([])
  })

  it('adds nothing to a file that has a second name somewhere else (S03)', async () => {
    const elsewhere = join(worktree, 'elsewhere.txt')
    writeFileSync(elsewhere, 'of somebody\n')
    mkdirSync(dirname(place.path), { recursive: true })
    linkSync(elsewhere, place.path)
    await expect(appendLines(place, ['{}'])).rejects.toMatchObject({ code: 'LEDGER_PATH_UNSAFE' })
    expect(readFileSync(elsewhere, 'utf8')).toBe('of somebody\n')
    rmSync(elsewhere)
    await appendLines(place, ['{}'])
    expect(text()).toBe('of somebody\n{}\n')
  })

  it('is refused where the log would grow beyond its bound (L8)', async () => {
    seed(Buffer.alloc(LOG_BYTES_MAX, '\n'))
    await expect(appendLines(place, ['{}'])).rejects.toMatchObject({ code: 'LEDGER_TOO_LARGE' })
  })
})

const wholeLog = fc
  .array(fc.tuple(fc.boolean(), anyText({ minLength: 1 })), { maxLength: 6 })
  .map((lines) =>
    lines.map(([isRequest, words]) =>
      encodeDecisionRecord(
        isRequest ? requestedRecord(ulid(), ulid(), words) : answeredRecord(ulid(), ulid(), words),
      ),
    ),
  )

describe('whatever prefix of a log a crash leaves', () => {
  property([wholeLog, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 8 })], {
    numRuns: 60,
  })('keeps all complete records and all other bytes (I5)', async (lines, cut, zeros) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-log-')))
    try {
      const whole = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const prefix = whole.subarray(0, Math.round(whole.length * cut))
      const left = Buffer.concat([prefix, Buffer.alloc(zeros)])
      const log = placeIn(folder)
      mkdirSync(dirname(log.path), { recursive: true })
      writeFileSync(log.path, left)
      const added = requestedRecord(ulid(), ulid())
      await appendLines(log, [encodeDecisionRecord(added)])

      const after = readFileSync(log.path)
      const { lines: read, skipped } = parseDecisionLines(after)
      const lengths = lines.map((_, index) => lines.slice(0, index + 1).join('\n').length)
      const complete = lines.filter((_, index) => {
        const end = lengths[index] ?? 0
        return prefix.length > end || (prefix.length === end && zeros === 0)
      })
      expect(skipped).toEqual([])
      expect(read.map(({ record }) => encodeDecisionRecord(record))).toEqual([
        ...complete,
        encodeDecisionRecord(added),
      ])
      const kept = complete.map((line) => `${line}\n`).join('').length
      const torn = left.subarray(kept)
      expect(after.subarray(0, Math.min(kept, left.length))).toEqual(
        left.subarray(0, Math.min(kept, left.length)),
      )
      expect(tornFiles(folder)).toEqual(torn.length === 0 ? [] : [torn.toString('latin1')])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  property(
    [wholeLog, fc.array(fc.nat({ max: 12 }), { maxLength: 6 }), fc.uint8Array({ maxLength: 40 })],
    { numRuns: 100 },
  )('reads the same whatever was read of it before', (lines, steps, tail) => {
    const other = Buffer.from(`${encodeDecisionRecord(requestedRecord(ulid(), ulid()))}\n`)
    const texts = lines.flatMap((line, at) => (at % 3 === 0 ? [line, ''] : [line]))
    const upTo = (count: number) =>
      Buffer.from(
        texts
          .slice(0, count)
          .map((line) => `${line}\n`)
          .join(''),
      )
    for (const last of [upTo(texts.length), Buffer.concat([upTo(texts.length), tail])]) {
      // What is kept of another log helps with none of this one.
      parseDecisionLines(other)
      const fresh = parseDecisionLines(last)
      for (const count of steps) parseDecisionLines(upTo(count))
      expect(parseDecisionLines(last)).toEqual(fresh)
    }
  })

  property([fc.uint8Array({ maxLength: 400 })], { numRuns: 150 })(
    'is read without a throw, whatever its bytes (F24)',
    (bytes) => {
      const { lines, skipped } = parseDecisionLines(Buffer.from(bytes))
      expect(lines.length + skipped.length).toBeLessThanOrEqual(bytes.length)
    },
  )
})
