import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { inBytes } from '../scripts/bundle.mjs'
import { RuntimeWorld } from './support/runtime-world.ts'

const DIST = join(import.meta.dirname, '../dist')
const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?["']([^"'\n]+)["']/g

describe('a bundled program', () => {
  it('needs no dependency but those that look for more beside themselves', () => {
    const files = readdirSync(join(DIST, 'chunks')).filter((file) => file.endsWith('.js'))
    const needed = files.flatMap((file) => importsOf(join('chunks', file)))
    expect(new Set(needed)).toEqual(new Set(['better-sqlite3', 'piscina', 'ws']))
  })

  it('is of characters that an engine keeps as a byte each, and says the same', () => {
    const files = readdirSync(join(DIST, 'chunks')).filter((file) => file.endsWith('.js'))
    const wide = files.filter((file) =>
      /[\u0100-\uffff]/.test(readFileSync(join(DIST, 'chunks', file), 'utf8')),
    )
    expect([files.length > 50, wide]).toEqual([true, []])
    const texts = ['…', '►', '😀']
    expect(JSON.parse(inBytes(JSON.stringify(texts)))).toEqual(texts)
    expect(() => inBytes('const a = String.raw`…`')).toThrow('an escape would change')
  })

  it('starts with the parser of words alone, whatever some command needs later', () => {
    const main = readFileSync(join(DIST, 'cli/main.js'), 'utf8')
    const [, run = ''] = /\bimport\("\.\.\/(chunks\/run-[^"]+)"\)/.exec(main) ?? []
    const loaded = [...loadedBy(run)]
    const vendors = loaded.flatMap((file) => /vendor-[a-z-]+(?=-)/.exec(file) ?? [])
    expect(vendors).toEqual(['vendor-clipanion'])
    // It alone takes as long as all the others of Node.
    expect(loaded.flatMap(namesIn)).not.toContain('node:crypto')
  })

  it.each(['git', 'socket', 'store'])('starts the thread of %s with one file of ours', (name) => {
    const entry = `workers/${name}/${name}.worker.js`
    const own = [...loadedBy(entry)].filter((file) => !/chunks\/(?:vendor|rolldown)-/.test(file))
    expect(own).toEqual([entry, expect.stringMatching(`^chunks/thread-${name}-`)])
  })

  it('comes from a lock that checks each package and lets one of them run a program when it is installed (S24)', () => {
    const read = (name: string) => JSON.parse(readFileSync(join(DIST, '..', name), 'utf8'))
    const { dependencies, optionalDependencies, scripts } = read('package.json') as {
      dependencies: Record<string, string>
      optionalDependencies: Record<string, string>
      scripts: Record<string, string>
    }
    const { packages } = read('package-lock.json') as {
      packages: Record<string, { integrity?: string; hasInstallScript?: boolean }>
    }
    const locked = Object.entries(packages).filter(([path]) => path !== '')
    expect(locked.filter(([, { integrity }]) => integrity === undefined)).toEqual([])
    const running = locked.filter(([, { hasInstallScript }]) => hasInstallScript === true)
    expect(running.map(([path]) => path)).toEqual(['node_modules/better-sqlite3'])
    expect(Object.keys(dependencies).length).toBeLessThanOrEqual(12)
    // The native module alone has a range: each version of Node needs another one.
    const loose = Object.entries({ ...dependencies, ...optionalDependencies })
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
      .map(([name]) => name)
    expect(loose).toEqual(['better-sqlite3'])
    const own = Object.keys(scripts).filter((name) =>
      /^(?:pre|post)?(?:install|prepare)$/.test(name),
    )
    expect(own).toEqual([])
  })

  it('names the licence of each dependency that is in it', () => {
    const notices = readFileSync(join(DIST, 'chunks/LICENSES.txt'), 'utf8')
    for (const name of ['clipanion', 'isomorphic-git', 'ulid', 'xstate', 'yaml', 'zod']) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((?:MIT|ISC)\\)$`, 'm'))
    }
    expect(notices.match(/permission notice|PERMISSION|Permission/g)?.length).toBeGreaterThan(6)
  })
})

describe('the library', () => {
  it('does nothing when it is imported: no file, no thread, no timer, no socket', () => {
    const program = `
      await import(${JSON.stringify(pathToFileURL(join(DIST, 'index.js')).href)})
      const left = process.getActiveResourcesInfo().filter((name) => !/^(?:TTYWrap|PipeWrap|CloseReq)$/.test(name))
      console.log(JSON.stringify(left))`
    const home = mkdtempSync(join(tmpdir(), 'kittiwake-import-'))
    const env = { ...process.env, HOME: home, KITTIWAKE_HOME: join(home, 'state') }
    const words = ['--input-type=module', '--eval', program]
    const options = { env, cwd: home, encoding: 'utf8' } as const
    expect(execFileSync(process.execPath, words, options)).toBe('[]\n')
    expect(readdirSync(home)).toEqual([])
    rmSync(home, { recursive: true })
  })

  it('starts its threads also in a program that Node was given as text', async () => {
    const world = await RuntimeWorld.withProject()
    const program = `
      import { createRuntime } from ${JSON.stringify(pathToFileURL(join(DIST, 'index.js')).href)}
      const runtime = await createRuntime({ root: ${JSON.stringify(world.root)} })
      const draft = { event_type: 'NoteTaken', aggregate_id: 'WP01', payload: { note: 'x' } }
      console.log((await runtime.emit(draft)).event_id)
      await runtime.stop()`
    const env = { ...process.env, KITTIWAKE_HOME: world.state }
    const words = ['--input-type=module', '--eval', program]
    expect(execFileSync(process.execPath, words, { env, encoding: 'utf8' })).toMatch(/^\w{26}\n$/)
  })
})

function importsOf(file: string): readonly string[] {
  return namesIn(file).filter((name) => !name.startsWith('.') && !isBuiltin(name))
}

/** The files below dist/ that are loaded with one before it does anything, and itself. */
function loadedBy(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found
  found.add(file)
  const beside = namesIn(file).filter((name) => name.startsWith('.'))
  for (const name of beside) loadedBy(join(dirname(file), name), found)
  return found
}

function namesIn(file: string): readonly string[] {
  const text = readFileSync(join(DIST, file), 'utf8')
  return [...text.matchAll(IMPORT)].map(([, name = '']) => name)
}
