// Puts what a process or a thread starts with into a few files: hundreds of small modules take longer to find and to
// link than most commands have to do. The library keeps one file per file, and its dependencies to itself.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

const PACKAGE = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?([^\\/]+))[\\/]/
/** These look for more beside themselves: a binding, threads, faster parts that may be there. Or stay as they came (elkjs). */
const EXTERNAL = ['better-sqlite3', 'elkjs/lib/elk.bundled.js', 'piscina', 'ws', /^@nats-io\//]
const VENDOR = 'vendor-'
const MAP_COMMENT = /\/\/# sourceMappingURL=.*\n?$/

/** Writes the programs of `root` over their unbundled forms in `into`. */
export async function bundle(root, into) {
  const source = join(root, 'src')
  const output = await bundled(root, { input: programsOf(source), groups: [] })
  for (const name of threadsOf(source)) {
    const entry = join(source, `${name}.ts`)
    const isOwn = (id) => id.startsWith(source) && id !== entry
    // It shares no module with others, and so it needs no pieces that it would share: what it starts with is one file.
    const whole = { name: `thread-${basename(name, '.worker')}`, test: isOwn, tags: ['$initial'] }
    output.push(...(await bundled(root, { input: { [name]: entry }, groups: [whole] })))
  }
  writeFiles(output, into)
}

async function bundled(root, { input, groups }) {
  const bundler = await rolldown({
    input,
    platform: 'node',
    external: EXTERNAL,
    // A line that was taken out would count as covered.
    treeshake: false,
    // Its build for Node is one CommonJS file, which takes long to read and can't be taken apart.
    resolve: { alias: { 'isomorphic-git': join(root, 'node_modules/isomorphic-git/index.js') } },
  })
  const { output } = await bundler.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    // As deep as the modules of src/project, so that `import.meta.url` is as far from dist as there.
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    sourcemapExcludeSources: true,
    comments: false,
    codeSplitting: {
      groups: [{ name: (id) => vendorOf(id), debugName: 'one file per dependency' }, ...groups],
    },
  })
  await bundler.close()
  return output
}

function writeFiles(output, into) {
  /** @type {Set<string>} */
  const vendors = new Set()
  for (const file of output) {
    const isVendor = file.fileName.includes(VENDOR)
    if (isVendor && file.type === 'asset') continue
    for (const id of file.moduleIds ?? []) if (PACKAGE.test(id)) vendors.add(PACKAGE.exec(id)[1])
    const path = join(into, file.fileName)
    mkdirSync(dirname(path), { recursive: true })
    const text = file.type === 'asset' ? file.source : inBytes(file.code)
    writeFileSync(path, isVendor ? text.replace(MAP_COMMENT, '') : text)
  }
  writeFileSync(join(into, 'chunks/LICENSES.txt'), [...vendors].sort().map(noticeOf).join('\n'))
}

/**
 * The same program in characters that an engine keeps as a byte each: one that is above makes it keep, and scan, all of the
 * file as two.
 */
export function inBytes(code) {
  const raw = RAW_TEMPLATE.exec(code)
  if (raw !== null) throw new Error(`an escape would change what this says: ${raw[0]}`)
  return code.replace(WIDE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const WIDE = /[\u0100-\uffff]/g
const RAW_TEMPLATE = /String\.raw`[^`]*[\u0100-\uffff][^`]*`/

function programsOf(source) {
  const names = [
    'cli/main',
    'workers/bulk/check-log',
    'workers/bulk/lay-out',
    'workers/bulk/validate-file',
    'workers/bulk/replay-file',
    'workers/bulk/scan-files',
  ]
  return Object.fromEntries(names.map((name) => [name, join(source, `${name}.ts`)]))
}

function threadsOf(source) {
  const names = readdirSync(join(source, 'workers')).map((name) => `workers/${name}/${name}.worker`)
  return names.filter((name) => existsSync(join(source, `${name}.ts`)))
}

function vendorOf(id) {
  const name = PACKAGE.exec(id)?.[2]
  return name === undefined ? null : `${VENDOR}${name}`
}

/** What the licences of the dependencies ask for, where their code is handed on. */
export function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice)/i.test(file))
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim())
  return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n\n${'-'.repeat(80)}\n`
}
