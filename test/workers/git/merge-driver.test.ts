/** Git itself merges two clones by the driver, in both directions. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeTransition } from '#dist/contracts/ledgers/status-record.js'
import { parseStatusLines } from '#dist/workers/git/logs/status-lines.js'
import { GitRepository } from '../../support/git-repository.ts'
import { transition } from '../../support/status-rows.ts'

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const FOLDER = "kitty-specs/an 'odd' one-01KT119Y"
const LOG = `${FOLDER}/status.events.jsonl`
let repository: GitRepository

beforeEach(() => {
  repository = GitRepository.withCommit(['-b', 'main'])
  const driver = `'${process.execPath}' '${MAIN}' merge-driver %O %A %B %P`
  repository.git('config', 'merge.spec-kitty-event-log.driver', driver)
  repository.write(
    '.gitattributes',
    'kitty-specs/**/*.events.jsonl merge=spec-kitty-event-log\nkitty-specs/**/status.json merge=spec-kitty-event-log\n',
  )
  repository.write(LOG, line('WP01', 0))
  repository.write(`${FOLDER}/status.json`, '{"n": 0}\n')
  repository.git('add', '.')
  repository.git('commit', '-qm', 'Start')
})
afterEach(() => repository.remove())

const line = (wp: string, seconds: number, more: object = {}): string =>
  `${encodeTransition(transition(wp, 'genesis', 'planned', seconds, more))}\n`
const read = (): string => readFileSync(join(repository.root, LOG), 'utf8')

/** A branch on which these lines are appended, and the snapshot is another. */
function branch(name: string, ...lines: readonly string[]): void {
  repository.git('checkout', '-q', '-b', name, 'main')
  for (const [at, text] of lines.entries()) {
    repository.write(LOG, read() + text)
    repository.write(`${FOLDER}/status.json`, `{"n": "${name} ${at}"}\n`)
    repository.git('commit', '-qam', `${name} ${at}`)
  }
}

describe('git with the driver', () => {
  it('merges, rebases and picks into the same log, whichever side is ours', () => {
    branch('one', line('WP02', 10), line('WP03', 30))
    branch('two', line('WP04', 20), line('WP05', 5))
    const merged: string[] = []
    for (const [onto, what] of [
      ['one', 'two'],
      ['two', 'one'],
    ] as const) {
      repository.git('checkout', '-q', '-B', 'both', onto)
      repository.git('merge', '-q', '--no-edit', what)
      merged.push(read())
    }
    repository.git('checkout', '-q', '-B', 'rebased', 'one')
    repository.git('rebase', '-q', 'two')
    merged.push(read())
    expect(new Set(merged).size).toBe(1)
    const { rows } = parseStatusLines(Buffer.from(merged[0] ?? ''))
    const ids = rows.flatMap(({ row }) => (row.family === 'transition' ? [row.row.wp_id] : []))
    expect([...ids].sort()).toEqual(['WP01', 'WP02', 'WP03', 'WP04', 'WP05'])
    expect(repository.git('status', '--porcelain')).toBe('')
  })

  it('leaves one id with two contents to a person, with both kept and a log that can be read', () => {
    const one = line('WP02', 10, { event_id: '01KT119Y0000000000000000A1' })
    branch('one', one)
    branch('two', one.replace('"reason": null', '"reason": "else"'), line('WP03', 20))
    const { code, output } = repository.tryGit('merge', '-q', 'one')
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining('1 event with two contents') as string,
    })
    expect(parseStatusLines(Buffer.from(read()))).toMatchObject({ skipped: [] })
    const folder = join(repository.root, '.git/kittiwake/conflicts')
    const [name = ''] = readdirSync(folder)
    expect(readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)).toHaveLength(2)
    repository.git('add', '.')
    repository.git('commit', '-qm', 'Looked')
  })

  it('that can not write its result changes nothing and says so', () => {
    branch('one', line('WP02', 10))
    branch('two', line('WP03', 20))
    const folder = join(repository.root, '.git')
    const base = join(folder, 'base')
    mkdirSync(base)
    const driven = repository.tryGit(
      '-c',
      `merge.spec-kitty-event-log.driver='${process.execPath}' '${MAIN}' merge-driver %O '${base}' %B %P`,
      'merge',
      '-q',
      'one',
    )
    expect(driven.output).toContain('MERGE_UNREADABLE')
    repository.git('merge', '--abort')
    expect(existsSync(join(folder, 'kittiwake'))).toBe(false)
    rmSync(base, { recursive: true })
  })
})
