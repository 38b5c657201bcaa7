// Writes down what an archive is made of: licences/THIRD-PARTY.txt with the licences of all that is linked into its
// programs, and thalweg.cdx.json, a list of these parts as CycloneDX. Fails where a part has no licence.
// parts.mjs ARCHIVE-FOLDER NATIVE-FOLDER TOOLS-FOLDER
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const [root, native, tools] = process.argv.slice(2);
const LICENCE = /^(licen[cs]e|copying|unlicen[cs]e|notice|copyright)/i;
const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
const read = (...path) => readFileSync(join(...path), "utf8");
const json = (...path) => JSON.parse(read(...path));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const by = (key) => (one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0);

/** What a part says of its licence, as an SPDX expression. */
function expression(said, part) {
    if (!said) throw new Error(`${part} names no licence`);
    return said.replaceAll("/", " OR ");
}

/** The files of a part that hold licences and notices, those of what it has taken from others as well. */
function texts(folder) {
    const files = readdirSync(folder, { withFileTypes: true, recursive: true });
    return files.filter((file) => file.isFile() && LICENCE.test(file.name) && !/\.(rs|c|h|js|ts)$/.test(file.name))
        .map((file) => read(file.parentPath, file.name)).sort();
}

/** The crates that are linked, by name and version: not those that only build, nor those that only tests use. */
function linked() {
    const found = new Set();
    for (const platform of readdirSync(native)) {
        const [, arch, libc] = platform.split("-");
        const tree = run("cargo", "tree", "--locked", "-p", "thalweg-cli", "-p", "thalweg-jni", "--prefix", "none",
            "--edges", "normal,no-proc-macro", "--target", `${arch}-unknown-linux-${libc}`, "--format", "{p}");
        for (const line of tree.split("\n").filter(Boolean)) found.add(line.split(" ").slice(0, 2).join(" "));
    }
    return found;
}

/** Sums of crates, as the lock has them. */
function checksums() {
    const sums = new Map();
    for (const block of read("Cargo.lock").split("[[package]]")) {
        const field = (name) => block.match(new RegExp(`^${name} = "(.*)"$`, "m"))?.[1];
        if (field("checksum")) sums.set(`${field("name")} v${field("version")}`, field("checksum"));
    }
    return sums;
}

/** Crates as parts, and what our own crates take directly from others. */
function crates() {
    const metadata = JSON.parse(run("cargo", "metadata", "--locked", "--format-version", "1"));
    const used = linked();
    const sums = checksums();
    const key = (crate) => `${crate.name} v${crate.version}`;
    const inside = metadata.packages.filter((crate) => used.has(key(crate)));
    const byId = new Map(inside.map((crate) => [crate.id, crate]));
    const ref = (crate) => `pkg:cargo/${crate.name}@${crate.version}`;
    const needs = new Map(metadata.resolve.nodes.map((node) => [node.id, node.deps
        .filter((dep) => byId.has(dep.pkg) && dep.dep_kinds.some((kind) => kind.kind === null)).map((dep) => dep.pkg)]));

    /** What a program of ours takes from others: through our own crates, which are parts of it. */
    function direct(name) {
        const [seen, refs] = [new Set(), new Set()];
        const visit = (id) => {
            if (seen.has(id)) return;
            seen.add(id);
            if (byId.get(id).source) refs.add(ref(byId.get(id)));
            else needs.get(id).forEach(visit);
        };
        visit(inside.find((crate) => crate.name === name).id);
        return [...refs].sort();
    }

    const parts = inside.filter((crate) => crate.source).map((crate) => {
        const own = texts(dirname(crate.manifest_path));
        const licence = expression(crate.license, key(crate));
        // A few leave the text out, and all of these may be taken under ours.
        if (own.length === 0 && !licence.includes("Apache-2.0")) throw new Error(`${key(crate)} has no text of its licence`);
        return {
            name: crate.name, version: crate.version, licence, ref: ref(crate), source: crate.repository,
            texts: own.length > 0 ? own : [read("LICENSE")],
            hashes: [{ alg: "SHA-256", content: sums.get(key(crate)) }],
            needs: needs.get(crate.id).map((id) => ref(byId.get(id))).sort(),
        };
    });
    return { parts, direct };
}

/** What is packed into the dashboard. */
function packages() {
    const locked = Object.entries(json("dashboard/package-lock.json").packages);
    return locked.filter(([path, of]) => path !== "" && !of.dev).map(([path, of]) => {
        const name = path.split("node_modules/").pop();
        const about = json("dashboard", path, "package.json");
        const [alg, sum] = of.integrity.split("-");
        return {
            name, version: of.version, licence: expression(about.license, name), texts: texts(join("dashboard", path)),
            ref: `pkg:npm/${name.replace("@", "%40")}@${of.version}`,
            hashes: [{ alg: alg.replace("sha", "SHA-"), content: Buffer.from(sum, "base64").toString("hex") }],
            needs: [],
        };
    });
}

/** What compilers add: Rust's own library, and of Zig's what unwinds stacks and begins a program. */
function ofCompilers() {
    const sysroot = run("rustc", "--print", "sysroot").trim();
    const rust = run("rustc", "--version").split(" ")[1];
    const library = join(sysroot, "share/doc/rust/COPYRIGHT-library.html");
    if (!existsSync(library)) throw new Error(`no ${library}: this Rust came without the licences of its library`);
    copyFileSync(library, join(root, "licences/rust-library.html"));
    const python = readdirSync(join(tools, "lib")).find((name) => name.startsWith("python"));
    const zig = join(tools, "lib", python, "site-packages/ziglang");
    const version = run(join(zig, "zig"), "version").trim();
    copyFileSync(join(zig, "lib/libc/glibc/LICENSES"), join(root, "licences/glibc.txt"));
    const part = (name, of, licence, more) => ({ name, version: of, licence, ref: `pkg:generic/${name}@${of}`, texts: [], needs: [], ...more });
    return [
        part("rust-std", rust, "MIT OR Apache-2.0", { texts: ["See rust-library.html beside this file."] }),
        part("zig-compiler-rt", version, "MIT", { texts: [read(zig, "LICENSE")] }),
        part("llvm-libunwind", version, "Apache-2.0 WITH LLVM-exception", { texts: [read(zig, "lib/libunwind/LICENSE.TXT")] }),
        part("glibc-start-files", version, "LGPL-2.1-or-later WITH GCC-exception-2.0", { texts: ["See glibc.txt beside this file."] }),
    ];
}

/** A jar of ours holds our classes, native libraries, and nothing of others'. */
function checkJar(file) {
    const own = /^(META-INF\/(MANIFEST\.MF|services\/.*)?|(io\/(thalweg\/.*)?)|org\/(apache\/(flink\/(runtime\/(scheduler\/(adaptive\/.*)?)?)?)?)?|native\/.*)$/;
    const foreign = run("jar", "--list", "--file", file).split("\n").filter((entry) => entry && !own.test(entry));
    if (foreign.length > 0) throw new Error(`${file} holds what is not ours: ${foreign.slice(0, 5).join(", ")}`);
}

/** The text of each licence once, with the parts that come under it. */
function thirdParty(parts) {
    const shared = new Map();
    for (const part of parts) {
        for (const text of new Set(part.texts.map((text) => text.replaceAll("\r", "").trim()))) {
            shared.set(text, [...(shared.get(text) ?? []), `${part.name} ${part.version}`]);
        }
    }
    const line = "=".repeat(100);
    const list = parts.map((part) => `${part.name} ${part.version}: ${part.licence}`).join("\n");
    const all = [...shared].map(([text, names]) => `${line}\n${names.join(", ")}\n${line}\n\n${text}\n`);
    return `What Thalweg's programs are made of besides Thalweg, and under which licences.\n\n${list}\n\n${all.join("\n")}`;
}

function component(part) {
    return {
        type: "library", "bom-ref": part.ref, name: part.name, version: part.version,
        licenses: [{ expression: part.licence }], purl: part.ref, ...(part.hashes && { hashes: part.hashes }),
        ...(/^https?:\/\//.test(part.source ?? "") && { externalReferences: [{ type: "vcs", url: part.source }] }),
    };
}

mkdirSync(join(root, "licences"), { recursive: true });
const { parts: ofCargo, direct } = crates();
const page = packages();
const compilers = ofCompilers();
const parts = [...ofCargo, ...page, ...compilers].sort(by((part) => part.ref));
writeFileSync(join(root, "licences/THIRD-PARTY.txt"), thirdParty(parts));

const version = run("cargo", "pkgid", "-p", "thalweg-cli").trim().split(/[#@]/).pop();
const jars = readdirSync(join(root, "lib")).sort();
jars.forEach((jar) => checkJar(join(root, "lib", jar)));
const libraries = readdirSync(native).sort().map((platform) => `native/${platform}/libthalweg_jni.so`);
const refs = (some) => some.map((part) => part.ref);
const own = [
    { file: join(root, "bin/thalweg"), name: "bin/thalweg", type: "application",
        needs: [...direct("thalweg-cli"), ...refs(page), ...refs(compilers)] },
    ...jars.map((jar) => ({ file: join(root, "lib", jar), name: `lib/${jar}`, type: "library", needs: libraries.map((name) => `thalweg:${name}`) })),
    ...libraries.map((name) => ({ file: join(native, name.slice("native/".length)), name, type: "library",
        needs: [...direct("thalweg-jni"), ...refs(compilers)] })),
].map((file) => ({ ...file, ref: `thalweg:${file.name}`, sum: sha256(readFileSync(file.file)) }));

const product = `pkg:generic/thalweg@${version}`;
const list = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
        timestamp: new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000).toISOString(),
        component: { type: "application", "bom-ref": product, name: "thalweg", version, licenses: [{ expression: "Apache-2.0" }], purl: product },
    },
    components: [
        ...own.map((file) => ({ type: file.type, "bom-ref": file.ref, name: file.name, version,
            licenses: [{ expression: "Apache-2.0" }], hashes: [{ alg: "SHA-256", content: file.sum }] })),
        ...parts.map(component),
    ],
    dependencies: [
        { ref: product, dependsOn: own.map((file) => file.ref) },
        ...own.map((file) => ({ ref: file.ref, dependsOn: [...new Set(file.needs)].sort() })),
        ...parts.map((part) => ({ ref: part.ref, dependsOn: part.needs })),
    ],
};
// A number that is the same for the same content.
const sum = sha256(JSON.stringify(list));
const uuid = `${sum.slice(0, 8)}-${sum.slice(8, 12)}-8${sum.slice(13, 16)}-a${sum.slice(17, 20)}-${sum.slice(20, 32)}`;
writeFileSync(join(root, "thalweg.cdx.json"), `${JSON.stringify({ ...list, serialNumber: `urn:uuid:${uuid}` }, null, 2)}\n`);
console.log(`${parts.length} parts, ${basename(root)}/thalweg.cdx.json`);
