/** The dashboard's files: the same for everybody, and nothing about anybody; what they show is asked for with a login. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pageHeaders, readPageFiles } from '../../project/page-files.ts'
import type { PageFile } from '../../project/page-files.ts'
import { HUB_PAGE_FOLDER } from '../../project/program-files.ts'

export class Pages {
  readonly #folder: string
  readonly #publicUrl: URL | null
  #files: ReadonlyMap<string, PageFile> | null = null

  constructor(publicUrl: URL | null, folder: string = HUB_PAGE_FOLDER) {
    this.#publicUrl = publicUrl
    this.#folder = folder
  }

  /** Whether there is such a file; then it is sent. */
  show(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    // Read when somebody looks: most hubs start without.
    this.#files ??= readPageFiles(this.#folder)
    const file = this.#files.get(path)
    if (file === undefined) return false
    const own = `http://${request.headers.host ?? ''}`
    const sockets = [own, ...(this.#publicUrl === null ? [] : [this.#publicUrl.origin])]
    response.writeHead(200, {
      ...pageHeaders(sockets.map((origin) => origin.replace('http', 'ws'))),
      'content-type': file.type,
      'content-length': file.bytes.length,
    })
    response.end(file.bytes)
    return true
  }
}
