import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DurableFs, NOTHING_UNSETTLED } from '#dist/workers/git/disk/durable-fs.js'
import { readJournal, removeJournal, writeJournal } from '#dist/workers/git/refs/journal.js'

const LOCK = { path: '/r/index.lock', temporary: '/r/tmp-1', identity: null }
const REFLOG = { path: '/r/logs/HEAD', size: 12, line: 'line' }
const JOURNAL = {
  version: 1 as const,
  locks: [LOCK, { ...LOCK, identity: '1:2' }],
  branchLock: '/r/main.lock',
  reflogs: [REFLOG, { ...REFLOG, size: null }],
}

let commonDir: string
let fs: DurableFs

beforeEach(() => {
  commonDir = mkdtempSync(join(tmpdir(), 'kittiwake-journal-'))
  fs = new DurableFs(commonDir)
  mkdirSync(fs.stateDirectory, { recursive: true })
})

afterEach(() => rmSync(commonDir, { recursive: true, force: true }))

describe('the journal of a commit', () => {
  it('is read as it was written, until it is removed', async () => {
    await writeJournal(fs, JOURNAL, NOTHING_UNSETTLED)
    expect(await readJournal(fs)).toEqual(JOURNAL)
    await removeJournal(fs)
    expect(await readJournal(fs)).toBe(null)
  })

  it.each([
    ['no JSON', '{"version":1'],
    ['null', 'null'],
    ['a list', '[]'],
    ['another version', { ...JOURNAL, version: 2 }],
    ['a key more', { ...JOURNAL, extra: 1 }],
    ['a key less', { ...JOURNAL, branchLock: undefined }],
    ['a branch lock that is no text', { ...JOURNAL, branchLock: 7 }],
    ['locks that are no list', { ...JOURNAL, locks: { length: 0 } }],
    [
      'more locks than any commit takes',
      { ...JOURNAL, locks: Array.from({ length: 9 }, () => LOCK) },
    ],
    ['a lock without its temporary file', { ...JOURNAL, locks: [{ ...LOCK, temporary: 1 }] }],
    ['a lock with a number as identity', { ...JOURNAL, locks: [{ ...LOCK, identity: 7 }] }],
    ['a lock with a key more', { ...JOURNAL, locks: [{ ...LOCK, extra: 1 }] }],
    ['a reflog of less than no bytes', { ...JOURNAL, reflogs: [{ ...REFLOG, size: -1 }] }],
    ['a reflog of half a byte', { ...JOURNAL, reflogs: [{ ...REFLOG, size: 0.5 }] }],
    ['a reflog without a line', { ...JOURNAL, reflogs: [{ ...REFLOG, line: null }] }],
  ])('undoes nothing where it is %s', async (_, text) => {
    const written = typeof text === 'string' ? text : JSON.stringify(text)
    writeFileSync(join(fs.stateDirectory, 'journal.json'), written)
    expect(await readJournal(fs)).toBe(null)
  })
})
