/** The files of the page: read once from the package, and nothing else is ever served. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { systemCode } from '../../errors.ts'
import { PAGE_FOLDER } from '../../project/program-files.ts'

export type PageFile = { readonly type: string; readonly bytes: Buffer }

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

const PLACEHOLDER = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Kittiwake</title>
<p>The page is not built. Use <code>kittiwake inspect --text</code>.
</html>
`

/** By the path that a browser asks for; `/` is the page. */
export function readPageFiles(folder: string = PAGE_FOLDER): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const name of namesIn(folder)) {
    const type = TYPES[extname(name)]
    if (type !== undefined) files.set(`/${name}`, { type, bytes: readFileSync(join(folder, name)) })
  }
  const index = files.get('/index.html')
  files.set('/', index ?? { type: 'text/html; charset=utf-8', bytes: Buffer.from(PLACEHOLDER) })
  return files
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
      name.replaceAll('\\', '/'),
    )
  } catch (error) {
    if (systemCode(error) === null) throw error
    return []
  }
}
