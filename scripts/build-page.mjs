// Builds the pages, of the inspector and of a hub, into dist: plain files that ask for nothing from elsewhere.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { noticeOf } from './bundle.mjs'

/** What each says of itself; the rest of their documents is one. */
const PAGES = {
  'inspect/page': {
    TITLE: 'Kittiwake inspector',
    INSTEAD: 'In a terminal, <code>kittiwake inspect --text</code> shows the same.',
  },
  'hub/page': {
    TITLE: 'Kittiwake team',
    INSTEAD:
      'The same is read with a token from <code>/api/v1/missions</code> and its neighbours; see docs/wire.',
  },
}
/** What they share. */
const COMMON = 'page'
/** Of what a page was built from: while it is the same, the built page is taken over. */
const MARK = 'inputs.txt'
const ENDINGS = /\.(?:tsx?|css|html|json)$/

/** Into `fresh`, or from `old` where nothing has changed since. */
export async function buildPages(root, old, fresh) {
  for (const folder of Object.keys(PAGES)) await buildPage(folder, root, old, fresh)
}

async function buildPage(folder, root, old, fresh) {
  const inputs = hashOf(root, folder)
  const [before, into] = [join(old, folder), join(fresh, folder)]
  if (existsSync(join(before, MARK)) && readFileSync(join(before, MARK), 'utf8') === inputs) {
    cpSync(before, into, { recursive: true })
    return
  }
  // Only where it is needed: to load it takes longer than to build with it.
  const { build } = await import('vite')
  await build({
    configFile: false,
    root: join(root, 'src', COMMON),
    plugins: [filledIn({ ...PAGES[folder], PAGE: `../${folder}` })],
    // A proxy may give a page another place than the root.
    base: './',
    logLevel: 'warn',
    build: {
      outDir: into,
      emptyOutDir: true,
      target: 'es2022',
      // From when on they know light-dark().
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      // The page's policy lets nothing in but files.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  })
  writeFileSync(join(into, 'LICENSES.txt'), noticeOf(join(root, 'node_modules/preact')))
  writeFileSync(join(into, MARK), inputs)
}

/** Puts the words of a page into the document, before anything is made of what it names. */
function filledIn(words) {
  return {
    name: 'kittiwake-page',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replaceAll(/%([A-Z]+)%/g, (_, name) => words[name]),
    },
  }
}

/** Of the page, of what it shares with the rest, and of the versions that build it. */
function hashOf(root, folder) {
  const shared = [
    'package.json',
    'tsconfig.json',
    'scripts/build-page.mjs',
    'src/inspect/active-states.ts',
    'src/inspect/transition-label.ts',
    'src/contracts/values/unprintable.ts',
  ]
  const own = [folder, COMMON].flatMap((one) =>
    readdirSync(join(root, 'src', one), { recursive: true, encoding: 'utf8' })
      .filter((name) => ENDINGS.test(name))
      .map((name) => join('src', one, name)),
  )
  const hash = createHash('sha256')
  for (const name of [...shared, ...own.sort()]) {
    hash.update(name).update(readFileSync(join(root, name)))
  }
  return hash.digest('hex')
}
