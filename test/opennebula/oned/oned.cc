/* The part of oned that creates the CONTEXT of a VM from a VM template and the text that OneFlow sends with `instantiate`.
 *
 *   oned parse FILE              the template as XML, or the parser's message and status 1
 *   oned texts                   for each text on standard input, each ended by a NUL: its attributes, or the error
 *   oned instantiate FILE EXTRA  the CONTEXT of the new VM, NAME=VALUE each ended by a NUL, or a message and status 1
 *
 * From OpenNebula's files: the template parser, Template::merge, the parser of variables. The order of the steps
 * follows VMTemplateInstantiate (src/rm: merge), VirtualMachine::insert (src/vm/VirtualMachine.cc: what it removes from the user template) and
 * VirtualMachine::parse_context_variables (src/vm/VirtualMachineContext.cc). */
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <unistd.h>
#include "oned.h"
#include "vm_var_syntax.h"
#include "vm_var_parser.h"

/* A template's attributes, which are protected. */
struct Readable : Template
{
    Readable() : Template(false, '=', "TEMPLATE") {}
    const std::multimap<std::string, Attribute *>& all() const { return attributes; }
};

/* The lexer prints each unknown character to stdout and continues; the answers go to another file. */
static FILE * answers = nullptr;

static void answer(const std::string& text)
{
    fwrite(text.data(), 1, text.size(), answers);
}

static std::string contents(const char * path)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

static int fail(const std::string& message)
{
    std::cerr << message << std::endl;
    return 1;
}

/* VirtualMachine::parse_template_attribute */
static int resolve(VirtualMachine& vm, const std::string& text, std::string& parsed, std::string& error)
{
    yyscan_t scanner = nullptr;
    char * message = nullptr;
    std::ostringstream out;
    vm_var_lex_init(&scanner);
    YY_BUFFER_STATE buffer = vm_var__scan_string(text.c_str(), scanner);
    int rc = vm_var_parse(&vm, &out, &message, scanner);
    vm_var__delete_buffer(buffer, scanner);
    vm_var_lex_destroy(scanner);
    if (message != nullptr)
    {
        error = message;
        free(message);
    }
    parsed = out.str();
    return rc;
}

/* Attributes that VirtualMachine::insert moves from the user template into the VM's own template. */
static const char * const KNOWN[] = {"CONTEXT", "DISK", "NIC", "NIC_ALIAS", "MEMORY", "CPU", "VCPU", "OS", "GRAPHICS", "VIDEO", "INPUT", "RAW",
                                     "FEATURES", "PCI", "TOPOLOGY", "NUMA_NODE", "CPU_MODEL", "TEMPLATE_ID"};

/* Each attribute: NAME, a unit separator, VALUE; of a vector: NAME, a group separator, A, a unit separator, VALUE and so on. Each ended by a record
 * separator, each text by a NUL. An error follows an exclamation mark. */
static void texts()
{
    std::string text;
    while (std::getline(std::cin, text, '\0'))
    {
        Readable tmpl;
        char * message = nullptr;
        if (tmpl.parse(text, &message) != 0)
        {
            answer(std::string("!") + (message == nullptr ? "]]>" : message));
        }
        else
        {
            for (const auto& pair : tmpl.all())
            {
                answer(pair.first);
                const auto * single = dynamic_cast<const SingleAttribute *>(pair.second);
                const auto * vector = dynamic_cast<const VectorAttribute *>(pair.second);
                if (single != nullptr)
                {
                    answer('\x1f' + single->value());
                }
                if (vector != nullptr)
                {
                    for (const auto& one : vector->value())
                    {
                        answer('\x1d' + one.first + '\x1f' + one.second);
                    }
                    if (vector->value().empty())
                    {
                        answer("\x1d");
                    }
                }
                answer("\x1e");
            }
        }
        free(message);
        answer(std::string(1, '\0'));
    }
}

int main(int argc, char ** argv)
{
    std::string error;
    answers = fdopen(dup(STDOUT_FILENO), "w");
    if (freopen("/dev/null", "w", stdout) == nullptr)
    {
        return fail("/dev/null cannot be opened");
    }
    if (argc == 2 && std::string(argv[1]) == "texts")
    {
        texts();
        return 0;
    }
    Template tmpl(false, '=', "TEMPLATE");

    if (argc < 3)
    {
        return fail("usage: oned parse FILE | oned texts | oned instantiate FILE EXTRA");
    }
    if (tmpl.parse_str_or_xml(contents(argv[2]), error) != 0)
    {
        return fail(error);
    }
    if (std::string(argv[1]) == "parse")
    {
        std::string xml;
        answer(tmpl.to_xml(xml));
        return 0;
    }

    Template extra(false, '=', "TEMPLATE");
    const std::string text = contents(argv[3]);
    if (extra.parse_str_or_xml(text, error) != 0)
    {
        return fail(error);
    }
    tmpl.merge(&extra);

    VirtualMachine vm;
    vm.other.merge(&tmpl);
    for (const char * name : KNOWN)
    {
        std::vector<VectorAttribute*> vectors;
        std::vector<SingleAttribute*> singles;
        vm.other.remove(name, vectors);
        vm.other.remove(name, singles);
        for (auto * attribute : vectors) { vm.known.set(attribute); }
        for (auto * attribute : singles) { vm.known.set(attribute); }
    }

    VectorAttribute * context = vm.known.get("CONTEXT");
    if (context == nullptr)
    {
        return fail("the VM has no CONTEXT");
    }
    std::string parsed;
    if (resolve(vm, context->marshall(), parsed, error) != 0)
    {
        return fail("parse of the CONTEXT: " + error);
    }
    VectorAttribute resolved("CONTEXT");
    resolved.unmarshall(parsed);
    for (const auto& pair : resolved.value())
    {
        answer(pair.first + "=" + pair.second + std::string(1, '\0'));
    }
    return 0;
}
