import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFormat } from '#dist/project/git/repository-format.js'
import { DurableFs } from '#dist/workers/git/disk/durable-fs.js'
import { openObjects } from '#dist/workers/git/objects/objects.js'
import { replaceOwnedInTurn } from '#dist/workers/git/disk/owned-json.js'
import { GitRepository } from '../../support/git-repository.ts'

const MIB = 1024 * 1024

let repository: GitRepository
let commonDir = ''
let steps: { step: string; path: string }[] = []
/** At the number of this step the disk refuses. */
let failsAt = Infinity
let fs: DurableFs

beforeEach(() => {
  repository = GitRepository.withCommit(['--object-format=sha1'])
  commonDir = join(repository.root, '.git')
  steps = []
  failsAt = Infinity
  fs = new DurableFs(commonDir, (step, path) => {
    steps.push({ step, path })
    if (steps.length === failsAt) throw Object.assign(new Error('EIO'), { code: 'EIO' })
  })
  mkdirSync(fs.stateDirectory, { recursive: true })
})
afterEach(() => repository.remove())

describe('several files at once', () => {
  const files = () =>
    ['a', 'b', 'c'].map((name) => ({
      path: fs.temporaryPath(),
      file: { bytes: Buffer.from(name) },
    }))

  it('are made whole, or none is there, wherever the disk refuses', async () => {
    await fs.createFiles(files())
    const count = steps.length
    const made = readdirSync(fs.stateDirectory)
    expect(made).toHaveLength(3)
    for (let at = 1; at <= count; at += 1) {
      steps = []
      failsAt = at
      await expect(fs.createFiles(files())).rejects.toMatchObject({ code: 'EIO' })
      failsAt = Infinity
      expect(readdirSync(fs.stateDirectory)).toEqual(made)
    }
  })

  it('get no name where one of them could not be written', async () => {
    const [first, second] = ['one', 'two'].map((name) => join(commonDir, name)) as [string, string]
    const both = [first, second].map((path) => ({ path, file: { bytes: Buffer.from(path) } }))
    steps = []
    failsAt = 4
    await expect(fs.replaceFiles(both, new Set())).rejects.toMatchObject({ code: 'EIO' })
    expect([existsSync(first), existsSync(second)]).toEqual([false, false])
  })
})

describe('the objects of one commit', () => {
  it('wait for each other in a bounded memory, and are all there', async () => {
    const format = readFormat(commonDir)
    const placement = repository.placement()
    const options = { placement, fs, format, cache: {}, signer: null, signingTimeoutMs: 1_000 }
    const store = openObjects(options)
    const oids = []
    for (let at = 0; at < 3; at += 1) oids.push(await store.write('blob', randomBytes(3 * MIB)))
    // Two of them are more than may wait: they are written before the third one is.
    expect(steps.filter(({ step }) => step === 'rename')).toHaveLength(2)
    const tree = repository.git('rev-parse', 'HEAD^{tree}').trim()
    const parent = repository.git('rev-parse', 'HEAD').trim()
    const author = { name: 'Wren', email: 'wren@example.test' }
    oids.push(
      await store.commit({ tree, parent, author, message: 'Large', timestamp: 1_700_000_000 }),
    )
    const { files, folders } = store.takeUnsettled()
    expect(files).toHaveLength(2)
    const unsynced = new Set(folders)
    await fs.replaceFiles(files, unsynced)
    await fs.syncDirectories(unsynced)
    expect(store.takeUnsettled()).toEqual({ files: [], folders: [] })
    for (const oid of oids) expect(repository.git('cat-file', '-t', oid).trim()).not.toBe('')
    expect(repository.fsck()).toBe('')
  })
})

describe('files of ours that are replaced in turn', () => {
  it('get their names one behind the other, each durable before the next; the last is not waited for', async () => {
    const [first, second] = ['one.json', 'two.json'].map((name) =>
      join(fs.stateDirectory, name),
    ) as [string, string]
    steps = []
    await replaceOwnedInTurn(fs, [
      { path: first, text: '1' },
      { path: second, text: '2' },
    ])
    const done = steps.filter(({ step }) => step === 'fsync' || step === 'rename')
    expect(done.slice(0, 2).map(({ step }) => step)).toEqual(['fsync', 'fsync'])
    expect(done.slice(2)).toEqual([
      { step: 'rename', path: first },
      { step: 'fsync', path: fs.stateDirectory },
      { step: 'rename', path: second },
    ])
    expect([first, second].map((path) => readFileSync(path, 'utf8'))).toEqual(['1', '2'])
  })
})
