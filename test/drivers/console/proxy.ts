/** Proxy: a TCP address that leads to another one, and whose connections can be cut. */
import net from 'node:net';

export class Proxy {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #targetPort: number;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = net.createServer((near) => {
      const far = net.connect(this.#targetPort, '127.0.0.1');
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  /** In front of `tcp://HOST:PORT/SERVICE`. */
  static async before(address: string): Promise<Proxy> {
    const proxy = new Proxy(Number(new URL(address).port));
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** Of the service behind it. */
  addressOf(service: string): string {
    const place = this.#server.address();
    const port = typeof place === 'object' && place !== null ? place.port : 0;
    return `tcp://127.0.0.1:${port}/${service}`;
  }

  /** Every connection ends at once; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #join(source: net.Socket, target: net.Socket): void {
    this.#sockets.add(source);
    source.pipe(target);
    source.on('error', () => undefined);
    source.on('close', () => {
      this.#sockets.delete(source);
      target.destroy();
    });
  }
}
