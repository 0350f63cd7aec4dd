import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readMade, readMovements } from '#dist/workers/git/frames/movements.js'

const [FROM, TO] = ['a'.repeat(40), 'b'.repeat(40)]
const REF = 'refs/heads/topic'
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kittiwake-logs-'))
  mkdirSync(join(folder, 'logs/refs/heads'), { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true }))

const lineOf = (message: string): string => `${FROM} ${TO} A <a@b> 1700000000 +0000\t${message}\n`
const write = (text: string): void => writeFileSync(join(folder, 'logs', REF), text)

describe('a line of a reflog', () => {
  it.each([
    ['commit: Words', 'made'],
    ['commit (initial): Words', 'made'],
    ['commit (amend): Words', 'made'],
    ['commit (merge): Words', 'made'],
    ['commit: fetch words', 'made'],
    ['cherry-pick: Words', 'made'],
    ['cherry-pick: fast-forward', 'brought'],
    ['revert: Words', 'made'],
    ['am: Words', 'made'],
    ["merge topic: Merge made by the 'ort' strategy.", 'made'],
    ['merge topic: Fast-forward', 'brought'],
    ['rebase (pick): Words', 'made'],
    ['rebase -i (squash): Words', 'made'],
    ['rebase (pick): fast-forward', 'brought'],
    ['rebase: fast-forward', 'brought'],
    ['rebase (finish): refs/heads/topic onto 1', 'brought'],
    ['pull --rebase (pick): Words', 'made'],
    ['pull --rebase (finish): refs/heads/topic onto 1', 'brought'],
    ['pull: Fast-forward', 'arrived'],
    ["pull -q --no-rebase: Merge made by the 'ort' strategy.", 'arrived'],
    ['fetch origin topic:topic: fast-forward', 'arrived'],
    ['clone: from https://hub.example/r.git', 'arrived'],
    ['reset: moving to FETCH_HEAD', 'arrived'],
    ['branch: Created from FETCH_HEAD', 'arrived'],
    ['reset: moving to HEAD^', 'brought'],
    ['branch: Created from main', 'brought'],
    ['pulled by a program of its own', 'brought'],
    ['', 'brought'],
  ])('%s tells of a commit that was %s', (message, kind) => {
    write(lineOf(message))
    expect(readMovements(folder, REF)).toMatchObject([{ from: FROM, to: TO, kind }])
    expect(readMade(folder).has(TO)).toBe(kind === 'made')
  })

  it('that nobody can read is none', () => {
    write(`nonsense\n${lineOf('commit: One')}\0\n${FROM} ${TO}\n${lineOf('commit: Two')}`)
    expect(readMovements(folder, REF)).toHaveLength(2)
    write('')
    expect(readMovements(folder, REF)).toEqual([])
    expect(readMovements(folder, 'refs/heads/other')).toBe(null)
  })
})
